//! Gzip members one after the other, as a reader (RFC 1952).
//!
//! Unlike a reader that hides its inflater, it gives out every byte that was inflated before damage
//! was met, then the damage. Zero bytes behind the last member are padding, as `gzip` itself holds;
//! anything else there is damage.

use std::io::{self, BufRead, ErrorKind, Read};

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// First bytes of a member.
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Compression method 8, deflate: the only one there is.
const DEFLATE: u8 = 8;

// Bits of the header's flags.
const HEADER_CHECKSUM: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

enum State {
    /// Between members; whether one came before.
    Between(bool),
    Inside,
    Trailer,
    Ended,
}

/// Reads what gzip members hold.
pub(super) struct GzipReader<R> {
    input: R,
    inflate: Decompress,
    checksum: Crc,
    state: State,
    /// Damage met behind bytes that were still given out.
    damage: Option<&'static str>,
}

impl<R: BufRead> GzipReader<R> {
    pub(super) fn new(input: R) -> Self {
        GzipReader {
            input,
            inflate: Decompress::new(false),
            checksum: Crc::new(),
            state: State::Between(false),
            damage: None,
        }
    }

    pub(super) fn input(&self) -> &R {
        &self.input
    }

    /// Begins the next member; `false` at the end of the input.
    fn begin(&mut self, any_before: bool) -> io::Result<bool> {
        if any_before && self.input.fill_buf()?.is_empty() {
            return Ok(false);
        }
        let first = self.header_byte()?;
        if any_before && first == 0 {
            return self.padding().map(|()| false);
        }
        if [first, self.header_byte()?] != MAGIC {
            return Err(damaged("bytes behind the last member"));
        }
        let [method, flags] = [self.header_byte()?, self.header_byte()?];
        if method != DEFLATE || flags & RESERVED != 0 {
            return Err(damaged("an unknown compression method or header flag"));
        }
        // Time, extra flags, operating system.
        self.skip(6)?;
        if flags & EXTRA != 0 {
            let length = u16::from_le_bytes([self.header_byte()?, self.header_byte()?]);
            self.skip(length)?;
        }
        for text in [NAME, COMMENT] {
            while flags & text != 0 && self.header_byte()? != 0 {}
        }
        if flags & HEADER_CHECKSUM != 0 {
            self.skip(2)?;
        }
        self.inflate.reset(false);
        self.checksum.reset();
        Ok(true)
    }

    /// Nothing but zero bytes may come.
    fn padding(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Ok(());
            }
            if bytes.iter().any(|byte| *byte != 0) {
                return Err(damaged("bytes behind the last member"));
            }
            let count = bytes.len();
            self.input.consume(count);
        }
    }

    fn header_byte(&mut self) -> io::Result<u8> {
        let byte = self.input.fill_buf()?.first().copied();
        self.input.consume(usize::from(byte.is_some()));
        byte.ok_or_else(|| damaged("the end of the file inside a member"))
    }

    fn skip(&mut self, count: u16) -> io::Result<()> {
        (0..count).try_for_each(|_| self.header_byte().map(drop))
    }

    /// Inflates into `room` and tells how much, or that the member's data ended.
    fn inflate(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let bytes = self.input.fill_buf()?;
        let at_end = bytes.is_empty();
        let before = (self.inflate.total_in(), self.inflate.total_out());
        let result = self.inflate.decompress(bytes, room, FlushDecompress::None);
        let consumed = (self.inflate.total_in() - before.0) as usize;
        let produced = (self.inflate.total_out() - before.1) as usize;
        self.input.consume(consumed);
        self.checksum.update(&room[..produced]);
        match result {
            Ok(Status::StreamEnd) => self.state = State::Trailer,
            Ok(_) if consumed + produced > 0 => {}
            Ok(_) if at_end => self.damage = Some("the end of the file inside a member"),
            Ok(_) | Err(_) => self.damage = Some("deflated data that contradicts itself"),
        }
        Ok(produced)
    }

    fn trailer(&mut self) -> io::Result<()> {
        let mut trailer = [0; 8];
        for byte in &mut trailer {
            *byte = self.header_byte()?;
        }
        let expected = u64::from(self.checksum.sum()) | u64::from(self.checksum.amount()) << 32;
        if u64::from_le_bytes(trailer) == expected {
            Ok(())
        } else {
            Err(damaged("a checksum or length that does not match"))
        }
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if room.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(what) = self.damage {
                return Err(damaged(what));
            }
            match self.state {
                State::Between(any_before) => {
                    self.state = match self.begin(any_before)? {
                        true => State::Inside,
                        false => State::Ended,
                    };
                }
                State::Inside => match self.inflate(room)? {
                    0 => {}
                    produced => return Ok(produced),
                },
                State::Trailer => {
                    self.trailer()?;
                    self.state = State::Between(true);
                }
                State::Ended => return Ok(0),
            }
        }
    }
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
