//! Encrypted files that can be read anywhere: XChaCha20-Poly1305, in chunks.
//!
//! ```text
//!  0        8         12             16            20          24       32             51       60       64
//!  ├ magic ─┼ version ┼ header_bytes ┼ chunk_bytes ┼ algorithm ┼ key id ┼ nonce prefix ┼ 9 × 0 ┼ crc32c ┤
//!    8 B      u32       u32            u32           u32         8 B      19 B                    u32
//!  64                            64 + 65,552
//!  ├ chunk 0: 65,536 bytes ┼ tag ┼ chunk 1 ┼ tag ┼ … ┼ last chunk: 0 to 65,536 bytes ┼ tag ┤
//!                            16 B
//!  nonce   0              19             23     24
//!          ├ nonce prefix ┼ chunk number ┼ last ┤
//!            random         u32, big-endian  1 for the last chunk, else 0
//! ```
//! Little-endian but for the nonce, which is that of the STREAM construction (Hoang, Reyhanitabar, Rogaway
//! and Vizár 2015). The header is the associated data of every chunk. So a chunk that was changed, that
//! stands elsewhere or belongs to another file is found when it is read, and a file that was cut or made
//! longer when it is opened, because its last chunk is not the last. Only the last chunk may be short, and
//! it is empty in an empty file alone. `algorithm` is 1. `crc32c` covers the bytes before it; it tells
//! damage from a file of another kind, and proves nothing.
//!
//! A reader holds one chunk.

use std::io;
use std::sync::{Mutex, PoisonError};

use bytemuck::{Pod, Zeroable};
use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{KeyInit as _, Tag, XChaCha20Poly1305, XNonce};

use crate::log::archive::damage::{ContainerDamage, ContainerFault, OpenError};
use crate::log::archive::key::{ArchiveKey, KeyFault, KeyId};
use crate::log::archive::{part_of, refuse_writing};
use crate::log::checksum::crc32c;
use crate::log::storage::StoredFile;
use crate::memory::append_map::AppendMap;

/// First bytes of an encrypted file.
pub const ENCRYPTED_MAGIC: [u8; 8] = *b"TWCIPHER";

/// Version of the layout.
pub const ENCRYPTED_VERSION: u32 = 1;

/// Bytes of the header.
pub const ENCRYPTED_HEADER_BYTES: usize = 64;

/// Bytes of content in every chunk but the last.
pub const CHUNK_BYTES: usize = 64 << 10;

/// Bytes that prove a chunk.
pub const TAG_BYTES: usize = 16;

/// A chunk with its tag.
const SEALED_BYTES: u64 = (CHUNK_BYTES + TAG_BYTES) as u64;

/// XChaCha20-Poly1305.
const ALGORITHM: u32 = 1;

/// Chunks that a nonce can number.
const CHUNKS_MAX: u64 = 1 << 32;

const PREFIX_BYTES: usize = 19;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    version: u32,
    header_bytes: u32,
    chunk_bytes: u32,
    algorithm: u32,
    key_id: [u8; 8],
    nonce_prefix: [u8; PREFIX_BYTES],
    reserved: [u8; 9],
    crc32c: u32,
}

const _: () = {
    assert!(size_of::<Header>() == ENCRYPTED_HEADER_BYTES);
    assert!(core::mem::offset_of!(Header, version) == 8);
    assert!(core::mem::offset_of!(Header, chunk_bytes) == 16);
    assert!(core::mem::offset_of!(Header, key_id) == 24);
    assert!(core::mem::offset_of!(Header, nonce_prefix) == 32);
    assert!(core::mem::offset_of!(Header, reserved) == 51);
    assert!(core::mem::offset_of!(Header, crc32c) == 60);
    assert!(PREFIX_BYTES + 4 + 1 == 24);
};

impl Header {
    fn new(key: &ArchiveKey, nonce_prefix: [u8; PREFIX_BYTES]) -> Header {
        let mut header = Header {
            magic: ENCRYPTED_MAGIC,
            version: ENCRYPTED_VERSION,
            header_bytes: ENCRYPTED_HEADER_BYTES as u32,
            chunk_bytes: CHUNK_BYTES as u32,
            algorithm: ALGORITHM,
            key_id: key.id().0,
            nonce_prefix,
            reserved: [0; 9],
            crc32c: 0,
        };
        header.crc32c = crc32c(&bytemuck::bytes_of(&header)[..60]);
        header
    }

    fn read<F: StoredFile>(file: &F) -> Result<Header, OpenError> {
        let mut header = Header::zeroed();
        let filled = file.read_at(bytemuck::bytes_of_mut(&mut header), 0)?;
        let damaged = |offset, fault| Err(ContainerDamage::at(offset, fault).into());
        if filled < ENCRYPTED_HEADER_BYTES {
            let what = "the header of an encrypted file";
            return damaged(0, ContainerFault::Short { what, bytes: filled as u64 });
        }
        if header.magic != ENCRYPTED_MAGIC {
            return damaged(0, ContainerFault::Magic { what: "header of an encrypted file" });
        }
        let (found, expected) = (header.crc32c, crc32c(&bytemuck::bytes_of(&header)[..60]));
        if found != expected {
            return damaged(0, ContainerFault::Crc { what: "header", found, expected });
        }
        if header.version > ENCRYPTED_VERSION {
            let (found, known) = (header.version, ENCRYPTED_VERSION);
            return Err(OpenError::Newer { found, known });
        }
        let fields = [
            (8, "version", header.version, ENCRYPTED_VERSION),
            (12, "header_bytes", header.header_bytes, ENCRYPTED_HEADER_BYTES as u32),
            (16, "chunk_bytes", header.chunk_bytes, CHUNK_BYTES as u32),
            (20, "algorithm", header.algorithm, ALGORITHM),
            (51, "reserved", u32::from(header.reserved != [0; 9]), 0),
        ];
        for (offset, what, found, expected) in fields {
            if found != expected {
                return damaged(offset, ContainerFault::Field { what, found: found.into() });
            }
        }
        Ok(header)
    }

    /// The header of a file that was made with `key`.
    fn made_with<F: StoredFile>(file: &F, key: &ArchiveKey) -> Result<Header, OpenError> {
        let header = Header::read(file)?;
        let made_with = KeyId(header.key_id);
        if made_with != key.id() {
            return Err(KeyFault::Another { made_with, given: key.id() }.into());
        }
        Ok(header)
    }
}

/// Seals and opens the chunks of one file.
struct Chunks {
    cipher: XChaCha20Poly1305,
    header: Header,
}

impl Chunks {
    fn new(key: &ArchiveKey, header: Header) -> Chunks {
        Chunks { cipher: XChaCha20Poly1305::new(key.bytes().into()), header }
    }

    fn nonce(&self, chunk: u32, is_last: bool) -> XNonce {
        let mut nonce = [0; 24];
        nonce[..PREFIX_BYTES].copy_from_slice(&self.header.nonce_prefix);
        nonce[PREFIX_BYTES..23].copy_from_slice(&chunk.to_be_bytes());
        nonce[23] = is_last.into();
        nonce.into()
    }

    /// Encrypts `content` where it stands and puts the tag behind it.
    fn seal(&self, chunk: u32, is_last: bool, content: &mut Vec<u8>) -> io::Result<()> {
        let nonce = self.nonce(chunk, is_last);
        let header = bytemuck::bytes_of(&self.header);
        let sealed =
            self.cipher.encrypt_inout_detached(&nonce, header, content.as_mut_slice().into());
        let tag = sealed.map_err(|_| io::Error::other("a chunk is too long to be encrypted"))?;
        content.extend_from_slice(&tag);
        Ok(())
    }

    /// Decrypts a chunk with its tag where it stands; what is left is the content.
    fn open(&self, chunk: u32, is_last: bool, sealed: &mut Vec<u8>) -> Option<()> {
        let (content, tag) = sealed.split_last_chunk_mut::<TAG_BYTES>()?;
        let (nonce, tag) = (self.nonce(chunk, is_last), Tag::from(*tag));
        let header = bytemuck::bytes_of(&self.header);
        self.cipher.decrypt_inout_detached(&nonce, header, content.into(), &tag).ok()?;
        sealed.truncate(sealed.len() - TAG_BYTES);
        Some(())
    }
}

/// Encrypts what is written to it into a file. Without [`EncryptedWriter::finish`] what it has written
/// cannot be read.
pub struct EncryptedWriter<F> {
    file: F,
    chunks: Chunks,
    /// Content of the chunk that is not full yet, or full and perhaps the last.
    content: Vec<u8>,
    /// The next chunk's number.
    chunk: u64,
}

impl<F: StoredFile> EncryptedWriter<F> {
    /// Begins at the front of an empty `file` that can be written to.
    ///
    /// # Errors
    /// What the system says, which gives the random part of the nonces too.
    pub fn create(file: F, key: &ArchiveKey) -> io::Result<EncryptedWriter<F>> {
        let mut prefix = [0; PREFIX_BYTES];
        getrandom::fill(&mut prefix).map_err(io::Error::other)?;
        EncryptedWriter::with_prefix(file, key, prefix)
    }

    fn with_prefix(
        file: F,
        key: &ArchiveKey,
        prefix: [u8; PREFIX_BYTES],
    ) -> io::Result<EncryptedWriter<F>> {
        let header = Header::new(key, prefix);
        file.write_at(bytemuck::bytes_of(&header), 0)?;
        let content = Vec::with_capacity(CHUNK_BYTES + TAG_BYTES);
        Ok(EncryptedWriter { file, chunks: Chunks::new(key, header), content, chunk: 0 })
    }

    /// Writes the last chunk, cuts the file behind it, and gives it back.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(mut self) -> io::Result<F> {
        let last_bytes = (self.content.len() + TAG_BYTES) as u64;
        let end_bytes = ENCRYPTED_HEADER_BYTES as u64 + self.chunk * SEALED_BYTES + last_bytes;
        self.put(true)?;
        self.file.set_size(end_bytes)?;
        Ok(self.file)
    }

    fn put(&mut self, is_last: bool) -> io::Result<()> {
        let number =
            u32::try_from(self.chunk).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        self.chunks.seal(number, is_last, &mut self.content)?;
        let at_bytes = ENCRYPTED_HEADER_BYTES as u64 + self.chunk * SEALED_BYTES;
        self.file.write_at(&self.content, at_bytes)?;
        self.content.clear();
        self.chunk += 1;
        Ok(())
    }
}

impl<F: StoredFile> io::Write for EncryptedWriter<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.content.len() == CHUNK_BYTES && !bytes.is_empty() {
            self.put(false)?;
        }
        let taken = bytes.len().min(CHUNK_BYTES - self.content.len());
        self.content.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The content of an encrypted file. Reading proves each chunk; an error that is damage holds a
/// [`ContainerDamage`].
pub struct EncryptedFile<F> {
    file: F,
    chunks: Chunks,
    content_bytes: u64,
    /// The last chunk's number.
    last: u64,
    /// The chunk that was read last, decrypted.
    cache: Mutex<Option<(u64, Vec<u8>)>>,
}

impl<F: StoredFile> EncryptedFile<F> {
    /// Opens an encrypted file: proves its header and its end.
    ///
    /// # Errors
    /// It cannot be read, is no such file, was cut, or was made with another key.
    pub fn open(file: F, key: &ArchiveKey) -> Result<EncryptedFile<F>, OpenError> {
        let header = Header::made_with(&file, key)?;
        let size_bytes = file.size_bytes()?;
        let body_bytes = size_bytes.saturating_sub(ENCRYPTED_HEADER_BYTES as u64);
        let last = body_bytes.saturating_sub(1) / SEALED_BYTES;
        let last_bytes = body_bytes - last * SEALED_BYTES;
        let at_bytes = ENCRYPTED_HEADER_BYTES as u64 + last * SEALED_BYTES;
        // An empty last chunk would be one too many.
        let least_bytes = TAG_BYTES as u64 + u64::from(last > 0);
        if last_bytes < least_bytes {
            let fault = ContainerFault::Short { what: "an encrypted chunk", bytes: last_bytes };
            return Err(ContainerDamage::at(at_bytes, fault).into());
        }
        if last >= CHUNKS_MAX {
            let what = "the number of chunks";
            let fault = ContainerFault::Field { what, found: last.saturating_add(1) };
            return Err(ContainerDamage::at(at_bytes, fault).into());
        }
        let content_bytes = last * CHUNK_BYTES as u64 + last_bytes - TAG_BYTES as u64;
        let chunks = Chunks::new(key, header);
        let opened = EncryptedFile { file, chunks, content_bytes, last, cache: Mutex::new(None) };
        let content = opened.chunk(last, Vec::new())?;
        *opened.cache.lock().unwrap_or_else(PoisonError::into_inner) = Some((last, content));
        Ok(opened)
    }

    /// Opens as much of a damaged file as can be proved from its first chunk on, which may be nothing: up to
    /// the first chunk that is not as it was written, the last one never. Reads all of that.
    ///
    /// # Errors
    /// It cannot be read, its header is damaged, or it was made with another key.
    pub fn open_front(file: F, key: &ArchiveKey) -> Result<EncryptedFile<F>, OpenError> {
        let header = Header::made_with(&file, key)?;
        let (chunks, cache) = (Chunks::new(key, header), Mutex::new(None));
        // No chunk of the front is the last.
        let mut front = EncryptedFile { file, chunks, content_bytes: 0, last: u64::MAX, cache };
        let mut content = Vec::new();
        for chunk in 0..CHUNKS_MAX {
            content = match front.chunk(chunk, content) {
                Ok(content) => content,
                Err(error) if ContainerDamage::within(&error).is_some() => break,
                Err(error) => return Err(error.into()),
            };
            front.content_bytes += CHUNK_BYTES as u64;
        }
        Ok(front)
    }

    /// Whether a file is an encrypted one, and the key it was made with.
    ///
    /// # Errors
    /// As [`EncryptedFile::open`], but for the key.
    pub fn made_with(file: &F) -> Result<KeyId, OpenError> {
        Header::read(file).map(|header| KeyId(header.key_id))
    }

    /// Reads and decrypts a chunk, into the memory of `content`.
    fn chunk(&self, chunk: u64, mut content: Vec<u8>) -> io::Result<Vec<u8>> {
        let is_last = chunk == self.last;
        let start = chunk * CHUNK_BYTES as u64;
        let bytes = match is_last {
            true => (self.content_bytes - start) as usize,
            false => CHUNK_BYTES,
        };
        let at_bytes = ENCRYPTED_HEADER_BYTES as u64 + chunk * SEALED_BYTES;
        content.resize(bytes + TAG_BYTES, 0);
        let filled = self.file.read_at(&mut content, at_bytes)?;
        let whole = filled == content.len();
        let opened = u32::try_from(chunk).ok().filter(|_| whole);
        let opened = opened.and_then(|number| self.chunks.open(number, is_last, &mut content));
        match opened {
            Some(()) => Ok(content),
            None => Err(ContainerDamage::at(at_bytes, ContainerFault::Chunk { chunk }).into()),
        }
    }
}

impl<F: StoredFile> StoredFile for EncryptedFile<F> {
    /// Of the content.
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.content_bytes)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.content_bytes.saturating_sub(offset);
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        // What stands in it stays right whatever panics beside it.
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let mut filled = 0;
        while filled < wanted {
            let at_bytes = offset + filled as u64;
            let chunk = at_bytes / CHUNK_BYTES as u64;
            let (held, content) = match cache.take() {
                Some((held, content)) if held == chunk => (held, content),
                Some((_, old)) => (chunk, self.chunk(chunk, old)?),
                None => (chunk, self.chunk(chunk, Vec::new())?),
            };
            let rest = &mut buffer[filled..wanted];
            let start = chunk * CHUNK_BYTES as u64;
            let (from, bytes) = part_of(start, content.len(), at_bytes, rest.len());
            rest[..bytes].copy_from_slice(&content[from..from + bytes]);
            filled += bytes;
            *cache = Some((held, content));
        }
        Ok(filled)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        refuse_writing()
    }

    fn set_size(&self, _: u64) -> io::Result<()> {
        refuse_writing()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn map(&self, _: usize) -> io::Result<AppendMap> {
        refuse_writing()
    }
}

#[cfg(test)]
mod tests;
