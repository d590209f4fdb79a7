//! Views of ITCH messages: a struct laid over the bytes as they came, and accessors that give values.
//!
//! The feed writes the bytes, a framing layer finds where a message starts and ends,
//! [`Message::parse`] checks type and length and nothing else: codes that no one has heard of and
//! symbols that are not text pass through, and their reader decides. Parsing copies nothing,
//! allocates nothing and cannot panic. A message torn short, or longer than its type, is a
//! [`MessageError`]; what follows it in the framing is unharmed.
//!
//! Each struct is declared by `wire_message!` with the offset of every field beside it, checked at
//! compile time, so the table drawn above a struct and the struct are held together by the compiler
//! and by golden bytes in `tests/itch50_golden.rs`.

mod administrative;
mod auctions;
mod orders;
mod trades;

pub use administrative::{
    CircuitBreakerLevels, CircuitBreakerStatus, MarketParticipantPosition, OperationalHalt,
    RetailInterest, ShortSaleRestriction, StockDirectory, SystemEvent, TradingAction,
};
pub use auctions::{AuctionCollar, DirectListing, IpoQuotingPeriod, NetOrderImbalance};
pub use orders::{
    AddAttributedOrder, AddOrder, OrderCancelled, OrderDeleted, OrderExecuted,
    OrderExecutedWithPrice, OrderReplaced,
};
pub use trades::{BrokenTrade, CrossTrade, Trade};

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};
use engine::units::SymbolId;
use thiserror::Error;

/// What every message begins with.
///
/// ```text
///  offset length field
///       0      1 message type
///       1      2 stock locate
///       3      2 tracking number
///       5      6 timestamp, ns since midnight
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Head {
    pub(super) message_type: u8,
    pub(super) locate: [u8; 2],
    pub(super) tracking: [u8; 2],
    pub(super) timestamp: [u8; 6],
}

const _: () = {
    assert!(size_of::<Head>() == 11);
    assert!(align_of::<Head>() == 1);
    assert!(offset_of!(Head, locate) == 1);
    assert!(offset_of!(Head, tracking) == 3);
    assert!(offset_of!(Head, timestamp) == 5);
};

impl Head {
    /// The byte that says which message this is.
    #[inline]
    #[must_use]
    pub const fn message_type(&self) -> u8 {
        self.message_type
    }

    /// The day's number of the security; 0 where the message concerns none.
    #[inline]
    #[must_use]
    pub const fn locate(&self) -> u16 {
        u16::from_be_bytes(self.locate)
    }

    /// The locate as the engine's symbol number.
    #[inline]
    #[must_use]
    pub const fn symbol(&self) -> SymbolId {
        SymbolId(self.locate() as u32)
    }

    /// Nasdaq's internal tracking number.
    #[inline]
    #[must_use]
    pub const fn tracking(&self) -> u16 {
        u16::from_be_bytes(self.tracking)
    }

    /// Nanoseconds since midnight in New York. The wire allows up to 2^48 − 1, over three days.
    #[inline]
    #[must_use]
    pub const fn time_of_day_ns(&self) -> u64 {
        // Two loads; six bytes put into one array are three.
        let [high_0, high_1, low @ ..] = self.timestamp;
        (u16::from_be_bytes([high_0, high_1]) as u64) << 32 | u32::from_be_bytes(low) as u64
    }
}

/// Declares a message: name, type byte, length, and for each field offset, name, bytes and value.
///
/// The struct has alignment 1 and no padding; the compiler checks length and every offset. Each field
/// gets an accessor of its name that gives the value.
macro_rules! wire_message {
    (
        $(#[$message_doc:meta])*
        $name:ident, $type_byte:literal, $length:literal bytes {
            $($(#[$field_doc:meta])* $offset:literal $field:ident: $wire:ty => $value:ty,)*
        }
    ) => {
        $(#[$message_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
        #[repr(C)]
        pub struct $name {
            pub(in crate::itch50) head: $crate::itch50::messages::Head,
            $(pub(in crate::itch50) $field: $wire,)*
        }

        const _: () = {
            assert!(size_of::<$name>() == $length);
            assert!(align_of::<$name>() == 1);
            $(assert!(core::mem::offset_of!($name, $field) == $offset);)*
        };

        impl $name {
            /// The byte that this message begins with.
            pub const TYPE: u8 = $type_byte;

            /// Bytes of the message, without any framing.
            pub const LENGTH: usize = $length;

            /// What every message begins with: type, locate, tracking number, time.
            #[inline]
            #[must_use]
            pub const fn head(&self) -> &$crate::itch50::messages::Head {
                &self.head
            }

            $(
                $(#[$field_doc])*
                #[inline]
                #[must_use]
                pub fn $field(&self) -> $value {
                    $crate::itch50::fields::FromWire::from_wire(self.$field)
                }
            )*
        }
    };
}
use wire_message;

/// Why bytes are no ITCH message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MessageError {
    /// There is not even a type.
    #[error("the message is empty")]
    Empty,
    /// No message of ITCH 5.0 begins with this byte.
    #[error("no message has type {type_byte:#04x}")]
    UnknownType {
        /// The first byte.
        type_byte: u8,
    },
    /// The type is known, and its messages have another length.
    #[error("a message of type {type_byte:#04x} has {expected} bytes, this one has {actual}")]
    BadLength {
        /// The first byte.
        type_byte: u8,
        /// Bytes of every message of this type.
        expected: usize,
        /// Bytes given.
        actual: usize,
    },
}

/// `bytes` as the message `M`, if they are as many.
#[inline]
fn view<M: Pod>(type_byte: u8, bytes: &[u8]) -> Result<&M, MessageError> {
    bytemuck::try_from_bytes(bytes).map_err(|_| MessageError::BadLength {
        type_byte,
        expected: size_of::<M>(),
        actual: bytes.len(),
    })
}

/// Makes of the one list of messages all that speaks of every type.
macro_rules! message_types {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A message, seen where it lies.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Message<'a> {
            $($(#[$doc])* $name(&'a $name),)*
        }

        impl<'a> Message<'a> {
            /// The message that `bytes` hold, without framing and nothing after it.
            ///
            /// # Errors
            /// There are no bytes, the first is no known type, or they are more or fewer than the
            /// type has.
            #[inline]
            pub fn parse(bytes: &'a [u8]) -> Result<Message<'a>, MessageError> {
                let &type_byte = bytes.first().ok_or(MessageError::Empty)?;
                match type_byte {
                    $($name::TYPE => view(type_byte, bytes).map(Message::$name),)*
                    _ => Err(MessageError::UnknownType { type_byte }),
                }
            }

            /// What every message begins with: type, locate, tracking number, time.
            #[inline]
            #[must_use]
            pub const fn head(&self) -> &'a Head {
                match self {
                    $(Message::$name(message) => &message.head,)*
                }
            }

            /// The message's own bytes.
            #[inline]
            #[must_use]
            pub fn bytes(&self) -> &'a [u8] {
                match self {
                    $(Message::$name(message) => bytemuck::bytes_of(*message),)*
                }
            }
        }

        /// The type bytes of ITCH 5.0, in the order of the specification.
        pub const MESSAGE_TYPES: [u8; 23] = [$($name::TYPE),*];

        /// Bytes of a message by its type byte; 0 where no message has that type.
        pub const MESSAGE_LENGTHS: [u8; 256] = {
            let mut lengths = [0; 256];
            $(
                assert!(lengths[$name::TYPE as usize] == 0, "two messages share a type");
                assert!($name::LENGTH <= u8::MAX as usize);
                lengths[$name::TYPE as usize] = $name::LENGTH as u8;
            )*
            lengths
        };
    };
}

message_types! {
    /// `S`: the start or end of messages, system hours or market hours.
    SystemEvent,
    /// `R`: a security's entry in the day's directory.
    StockDirectory,
    /// `H`: a security is halted, paused, quoted only or trading.
    TradingAction,
    /// `Y`: a security's Regulation SHO short-sale restriction.
    ShortSaleRestriction,
    /// `L`: a market participant's position in a security.
    MarketParticipantPosition,
    /// `V`: the day's market-wide circuit breaker levels.
    CircuitBreakerLevels,
    /// `W`: a market-wide circuit breaker level was breached.
    CircuitBreakerStatus,
    /// `K`: when an IPO's quotation is released.
    IpoQuotingPeriod,
    /// `J`: the collar of a reopening auction after a limit-up limit-down pause.
    AuctionCollar,
    /// `h`: a security's operational halt at one market.
    OperationalHalt,
    /// `A`: an unattributed order enters the book.
    AddOrder,
    /// `F`: an order with its participant's identifier enters the book.
    AddAttributedOrder,
    /// `E`: an order is executed at its own price.
    OrderExecuted,
    /// `C`: an order is executed at another price than its own.
    OrderExecutedWithPrice,
    /// `X`: an order loses part of its shares.
    OrderCancelled,
    /// `D`: an order leaves the book.
    OrderDeleted,
    /// `U`: an order is replaced by a new one.
    OrderReplaced,
    /// `P`: an execution against an order that is not displayed.
    Trade,
    /// `Q`: a cross prints in bulk.
    CrossTrade,
    /// `B`: an earlier execution is broken.
    BrokenTrade,
    /// `I`: net order imbalance before a cross.
    NetOrderImbalance,
    /// `N`: retail interest on one or both sides.
    RetailInterest,
    /// `O`: price discovery of a direct listing with capital raise.
    DirectListing,
}

/// Bytes of every message of this type, `None` if there is no such type.
#[inline]
#[must_use]
pub const fn length_of(type_byte: u8) -> Option<usize> {
    match MESSAGE_LENGTHS[type_byte as usize] {
        0 => None,
        length => Some(length as usize),
    }
}

/// Where the eight bytes of the symbol stand in a message of this type; `None` if it names none.
#[inline]
#[must_use]
pub const fn stock_offset_of(type_byte: u8) -> Option<usize> {
    match type_byte {
        StockDirectory::TYPE => Some(offset_of!(StockDirectory, stock)),
        TradingAction::TYPE => Some(offset_of!(TradingAction, stock)),
        ShortSaleRestriction::TYPE => Some(offset_of!(ShortSaleRestriction, stock)),
        MarketParticipantPosition::TYPE => Some(offset_of!(MarketParticipantPosition, stock)),
        IpoQuotingPeriod::TYPE => Some(offset_of!(IpoQuotingPeriod, stock)),
        AuctionCollar::TYPE => Some(offset_of!(AuctionCollar, stock)),
        OperationalHalt::TYPE => Some(offset_of!(OperationalHalt, stock)),
        AddOrder::TYPE => Some(offset_of!(AddOrder, stock)),
        AddAttributedOrder::TYPE => Some(offset_of!(AddAttributedOrder, stock)),
        Trade::TYPE => Some(offset_of!(Trade, stock)),
        CrossTrade::TYPE => Some(offset_of!(CrossTrade, stock)),
        NetOrderImbalance::TYPE => Some(offset_of!(NetOrderImbalance, stock)),
        RetailInterest::TYPE => Some(offset_of!(RetailInterest, stock)),
        DirectListing::TYPE => Some(offset_of!(DirectListing, stock)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
