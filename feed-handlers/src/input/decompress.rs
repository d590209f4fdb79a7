//! Opens an input, plain or compressed as its first bytes tell, and reads what it holds.
//!
//! An [`InputFile`] owns the open file (or standard input) and its decompressor; framing reads it.
//! The kind is told by the bytes, never by the name. All that precedes damage in compressed data is
//! given out, then an error of kind `InvalidData`; any other kind is the system's own failure to
//! read. Errors stay: reading again gives the same one. Memory is bounded by the decompressor's
//! window (32 KiB for gzip, at most 128 MiB for zstd) and what [`InputFile::peek`] was asked for.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::InputError;
use super::gzip::{self, GzipReader};
use super::zstd_frames::{self, ZstdReader};

/// How an input is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// Gzip, one member or several.
    Gzip,
    /// Zstandard, one frame or several.
    Zstd,
}

/// The name of standard input on the command line.
pub const STANDARD_INPUT: &str = "-";

/// Bytes read from the file at once for a decompressor.
const FILE_BUFFER_BYTES: usize = 64 * 1024;

/// The file as it is on disk, counted.
struct OnDisk {
    file: Box<dyn Read + Send>,
    /// Shared with whoever shows progress while a framing owns the file.
    read_bytes: Arc<AtomicU64>,
    /// The system failed to read; anything else a decompressor reports is damage.
    failed: bool,
}

impl Read for OnDisk {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read(room) {
                // A reader that claims more than it was offered is held to the offer.
                Ok(got) => {
                    let got = got.min(room.len());
                    self.read_bytes.fetch_add(got as u64, Ordering::Relaxed);
                    return Ok(got);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = true;
                    return Err(error);
                }
            }
        }
    }
}

/// The file with the bytes put back by which its kind was told.
type Raw = BufReader<Chain<Cursor<Vec<u8>>, OnDisk>>;

enum Stream {
    Plain(Raw),
    Gzip(Box<GzipReader<Raw>>),
    Zstd(Box<ZstdReader<Raw>>),
}

impl Stream {
    fn on_disk(&self) -> &OnDisk {
        let raw = match self {
            Stream::Plain(raw) => raw,
            Stream::Gzip(reader) => reader.input(),
            Stream::Zstd(reader) => reader.input(),
        };
        raw.get_ref().get_ref().1
    }
}

/// An open input, read as what it holds once decompressed.
pub struct InputFile {
    name: String,
    stream: Stream,
    total_bytes: Option<u64>,
    /// Bytes that were peeked at, and how many of them have been read since.
    head: Vec<u8>,
    head_read: usize,
    offset_bytes: u64,
    failed: Option<Failure>,
}

/// Why reading failed, in a form that can be told again.
#[derive(Clone)]
struct Failure {
    kind: ErrorKind,
    what: Arc<str>,
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        io::Error::new(failure.kind, failure.what.to_string())
    }
}

impl InputFile {
    /// Opens a file, or standard input where `path` is [`STANDARD_INPUT`].
    ///
    /// # Errors
    /// [`InputError::Io`] if it cannot be opened or not one byte can be read.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        if path.as_os_str() == STANDARD_INPUT {
            return Self::from_reader("standard input", Box::new(io::stdin()), None);
        }
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| {
            let metadata = file.metadata()?;
            let total_bytes = metadata.is_file().then_some(metadata.len());
            Ok((file, total_bytes))
        });
        match opened {
            Ok((file, total_bytes)) => Self::from_reader(&name, Box::new(file), total_bytes),
            Err(error) => Err(InputError::io(name, 0, error)),
        }
    }

    /// Reads `file` under `name`; `total_bytes` is its length on disk, if known.
    ///
    /// # Errors
    /// [`InputError::Io`] if its first bytes cannot be read.
    pub fn from_reader(
        name: &str,
        file: Box<dyn Read + Send>,
        total_bytes: Option<u64>,
    ) -> Result<Self, InputError> {
        let mut file = OnDisk { file, read_bytes: Arc::default(), failed: false };
        let mut first = Vec::new();
        let io = |error| InputError::io(name.to_owned(), 0, error);
        file.by_ref().take(4).read_to_end(&mut first).map_err(io)?;
        // A magic that the end of the file cuts off is damage, which its decompressor tells.
        let is_cut = |magic: &[u8]| !first.is_empty() && magic.starts_with(&first);
        let is_gzip = first.starts_with(&gzip::MAGIC) || is_cut(&gzip::MAGIC);
        let is_zstd = is_cut(&zstd_frames::MAGIC) || zstd_frames::is_skippable(&first);
        let raw = BufReader::with_capacity(FILE_BUFFER_BYTES, Cursor::new(first).chain(file));
        let stream = if is_gzip {
            Stream::Gzip(Box::new(GzipReader::new(raw)))
        } else if is_zstd {
            Stream::Zstd(Box::new(ZstdReader::new(raw).map_err(io)?))
        } else {
            Stream::Plain(raw)
        };
        Ok(InputFile {
            name: name.to_owned(),
            stream,
            total_bytes,
            head: Vec::new(),
            head_read: 0,
            offset_bytes: 0,
            failed: None,
        })
    }

    /// The path it was opened by, or `standard input`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is compressed.
    #[must_use]
    pub fn compression(&self) -> Compression {
        match self.stream {
            Stream::Plain(_) => Compression::Plain,
            Stream::Gzip(_) => Compression::Gzip,
            Stream::Zstd(_) => Compression::Zstd,
        }
    }

    /// Decompressed bytes read so far.
    #[must_use]
    pub fn offset_bytes(&self) -> u64 {
        self.offset_bytes
    }

    /// Bytes read from disk so far.
    #[must_use]
    pub fn compressed_bytes_read(&self) -> u64 {
        self.stream.on_disk().read_bytes.load(Ordering::Relaxed)
    }

    /// The count of [`InputFile::compressed_bytes_read`], to look at while a framing owns the file.
    pub(super) fn disk_bytes(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.stream.on_disk().read_bytes)
    }

    /// Bytes on disk; `None` for standard input and pipes.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    /// The next `count` bytes without reading them, fewer where the input ends or fails before; a
    /// failure is told once they are read. To be called before the first read.
    pub fn peek(&mut self, count: usize) -> &[u8] {
        let mut had = self.head.len();
        self.head.resize(count.max(had), 0);
        while had < self.head.len() {
            match read_stream(&mut self.stream, &mut self.head[had..]) {
                Ok(0) => break,
                Ok(got) => had += got,
                Err(failure) => {
                    self.failed = Some(failure);
                    break;
                }
            }
        }
        self.head.truncate(had);
        &self.head[self.head_read..]
    }
}

fn read_stream(stream: &mut Stream, room: &mut [u8]) -> Result<usize, Failure> {
    let read = match stream {
        Stream::Plain(raw) => raw.read(room),
        Stream::Gzip(reader) => reader.read(room),
        Stream::Zstd(reader) => reader.read(room),
    };
    read.map_err(|error| {
        let format = match stream {
            Stream::Gzip(_) => "gzip",
            Stream::Zstd(_) => "zstd",
            Stream::Plain(_) => "",
        };
        if stream.on_disk().failed {
            // A decompressor's damage is told apart by its kind, which the system may use too.
            let kind = match error.kind() {
                ErrorKind::InvalidData => ErrorKind::Other,
                kind => kind,
            };
            let what = error.to_string().into();
            return Failure { kind, what };
        }
        Failure {
            kind: ErrorKind::InvalidData,
            what: format!("damaged {format} data: {error}").into(),
        }
    })
}

impl Read for InputFile {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let got = if self.head_read < self.head.len() {
            let mut rest = &self.head[self.head_read..];
            let got = rest.read(room)?;
            self.head_read += got;
            if self.head_read == self.head.len() {
                self.head = Vec::new();
                self.head_read = 0;
            }
            got
        } else if let Some(failure) = &self.failed {
            return Err(failure.clone().into());
        } else {
            match read_stream(&mut self.stream, room) {
                Ok(got) => got,
                Err(failure) => {
                    self.failed = Some(failure.clone());
                    return Err(failure.into());
                }
            }
        };
        self.offset_bytes += got as u64;
        Ok(got)
    }
}
