//! Nasdaq TotalView-ITCH 5.0: the full depth of one exchange, order by order.
//!
//! [`messages`] reads: views laid over a message's own bytes, nothing copied. [`encode`] writes: for
//! tests and the simulated exchange. [`decode`] turns messages into the engine's events.
//! [`keys`] takes symbol and time from messages. [`fields`] holds the values of single fields that both
//! sides use. A message stands here without framing; where one ends is the business of BinaryFILE,
//! MoldUDP64 or SoupBinTCP around it.
//!
//! All integers are unsigned and big-endian, text is left-justified ASCII padded with spaces, prices
//! have 4 or 8 implied decimals, times are nanoseconds since midnight in New York. Sections named in
//! this module are those of the *Nasdaq TotalView-ITCH 5.0* specification, in the editions that
//! number data types 3 and message formats 4.

pub mod decode;
pub mod encode;
pub mod fields;
pub mod keys;
pub mod messages;

pub use encode::{DirectoryEntry, Encoder, Header, Imbalance, PriceDiscovery};
pub use fields::{FieldError, Mpid, Price4, Price8, Stock};
pub use messages::{MESSAGE_LENGTHS, Message, MessageError, length_of, stock_offset_of};
