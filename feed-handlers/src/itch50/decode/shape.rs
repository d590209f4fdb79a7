//! How the frequent messages map onto an event, as a table instead of a branch a type.
//!
//! Adds, deletes, replaces and executions alternate unforeseeably. Every type that names an order is
//! described by where its words stand: each word of the event is eight bytes of the message, shifted
//! right and scaled. The same instructions then serve all eight types, without a branch by type.
//!
//! Over the yardstick file and by itself, one branch a type is faster (10.5 against 12.0 ns a
//! message). But the books must branch by kind in any case, and a second mispredicted branch a
//! message makes the whole slower: 50 ns a message with it, 48 with this table.

use core::mem::offset_of;

use engine::event::{Kind, PRICE_NONE};

use crate::itch50::messages::{
    AddAttributedOrder, AddOrder, MESSAGE_LENGTHS, OrderCancelled, OrderDeleted, OrderExecuted,
    OrderExecutedWithPrice, OrderReplaced, Trade,
};

/// Bytes that must be readable from a message's start: the greatest offset, and eight bytes there.
pub(super) const WINDOW: usize = 64 + 8;

/// Where one word of the event comes from: `(be64(at offset) >> shift) * scale`.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) offset: u8,
    pub(super) shift: u8,
    pub(super) scale: u32,
}

/// How one message type maps onto an event.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Shape {
    /// Bytes of the message; 0 for a type that does not exist.
    pub(super) length: u8,
    /// The event's kind; 0 for the types decoded one by one.
    pub(super) kind: u8,
    /// Where the side stands, and `0xff` if there is one.
    pub(super) side_offset: u8,
    pub(super) side_mask: u8,
    /// The event is printable if this byte has this value.
    pub(super) printable_offset: u8,
    pub(super) printable_value: u8,
    /// Where the symbol's name stands.
    pub(super) stock_offset: u8,
    /// Words 1 to 3; word 0 is always the eight bytes at 11, the order reference.
    pub(super) words: [Field; 3],
    /// Or-ed into word 3.
    pub(super) word_3: u64,
    /// All ones if the message names its symbol.
    pub(super) stock_mask: u64,
}

/// A word that is always zero.
const ZERO: Field = Field { offset: 0, shift: 0, scale: 0 };

const fn field(offset: usize, width: usize, scale: u32) -> Field {
    assert!(offset + 8 <= WINDOW && width >= 1 && width <= 8);
    Field { offset: offset as u8, shift: 64 - 8 * width as u8, scale }
}

const fn count(offset: usize) -> Field {
    field(offset, 4, 1)
}

/// `Price(4)` to 1e-9 units.
const fn price(offset: usize) -> Field {
    field(offset, 4, 100_000)
}

const fn whole(offset: usize) -> Field {
    field(offset, 8, 1)
}

const fn order_shape(kind: Kind, words: [Field; 3]) -> Shape {
    Shape { kind: kind as u8, words, ..UNKNOWN }
}

const fn with_side_and_stock(mut shape: Shape, side: usize, stock: usize) -> Shape {
    shape.side_offset = side as u8;
    shape.side_mask = 0xff;
    shape.stock_offset = stock as u8;
    shape.stock_mask = u64::MAX;
    shape
}

const fn with_printable(mut shape: Shape, offset: usize, value: u8) -> Shape {
    shape.printable_offset = offset as u8;
    shape.printable_value = value;
    shape
}

const UNKNOWN: Shape = Shape {
    length: 0,
    kind: 0,
    side_offset: 0,
    side_mask: 0,
    printable_offset: 0,
    printable_value: 0,
    stock_offset: 0,
    words: [ZERO; 3],
    word_3: 0,
    stock_mask: 0,
};

const _: () = {
    // Word 0 of every shape is read at offset 11.
    assert!(offset_of!(AddOrder, order) == 11);
    assert!(offset_of!(AddAttributedOrder, order) == 11);
    assert!(offset_of!(OrderExecuted, order) == 11);
    assert!(offset_of!(OrderExecutedWithPrice, order) == 11);
    assert!(offset_of!(OrderCancelled, order) == 11);
    assert!(offset_of!(OrderDeleted, order) == 11);
    assert!(offset_of!(OrderReplaced, original_order) == 11);
    assert!(offset_of!(Trade, order) == 11);
};

/// The shape of every type byte.
pub(super) static SHAPES: [Shape; 256] = {
    let mut shapes = [UNKNOWN; 256];
    shapes[b'A' as usize] = with_side_and_stock(
        order_shape(
            Kind::Add,
            [price(offset_of!(AddOrder, price)), count(offset_of!(AddOrder, shares)), ZERO],
        ),
        offset_of!(AddOrder, side),
        offset_of!(AddOrder, stock),
    );
    shapes[b'F' as usize] = with_side_and_stock(
        order_shape(
            Kind::Add,
            [
                price(offset_of!(AddAttributedOrder, price)),
                count(offset_of!(AddAttributedOrder, shares)),
                count(offset_of!(AddAttributedOrder, attribution)),
            ],
        ),
        offset_of!(AddAttributedOrder, side),
        offset_of!(AddAttributedOrder, stock),
    );
    // Byte 0 of an `E` is `E`: always printable.
    shapes[b'E' as usize] = with_printable(
        order_shape(
            Kind::Execute,
            [
                whole(offset_of!(OrderExecuted, match_number)),
                count(offset_of!(OrderExecuted, shares)),
                ZERO,
            ],
        ),
        0,
        b'E',
    );
    shapes[b'E' as usize].word_3 = PRICE_NONE;
    shapes[b'C' as usize] = with_printable(
        order_shape(
            Kind::Execute,
            [
                whole(offset_of!(OrderExecutedWithPrice, match_number)),
                count(offset_of!(OrderExecutedWithPrice, shares)),
                price(offset_of!(OrderExecutedWithPrice, price)),
            ],
        ),
        offset_of!(OrderExecutedWithPrice, printable),
        b'Y',
    );
    shapes[b'X' as usize] =
        order_shape(Kind::Cancel, [ZERO, count(offset_of!(OrderCancelled, shares)), ZERO]);
    shapes[b'D' as usize] = order_shape(Kind::Delete, [ZERO; 3]);
    shapes[b'U' as usize] = order_shape(
        Kind::Replace,
        [
            whole(offset_of!(OrderReplaced, new_order)),
            price(offset_of!(OrderReplaced, price)),
            count(offset_of!(OrderReplaced, shares)),
        ],
    );
    shapes[b'P' as usize] = with_side_and_stock(
        order_shape(
            Kind::Trade,
            [
                whole(offset_of!(Trade, match_number)),
                count(offset_of!(Trade, shares)),
                price(offset_of!(Trade, price)),
            ],
        ),
        offset_of!(Trade, side),
        offset_of!(Trade, stock),
    );
    let mut type_byte = 0;
    while type_byte < 256 {
        shapes[type_byte].length = MESSAGE_LENGTHS[type_byte];
        type_byte += 1;
    }
    shapes
};
