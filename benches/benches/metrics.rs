#![forbid(unsafe_code)]
//! What metrics, prints and all else that a shard does cost on top of its books.
//!
//! The first four million messages of the yardstick, decoded in chunks while the clock stands. Books
//! alone and a whole shard take turns over the same chunks, so that what the machine does to the one it
//! does to the other; they drive each other out of the cache, too, so both cost more here than by
//! themselves. Told are medians over the chunks, of thread time a message.

use std::hint::black_box;
use std::io::{self, Write as _};

use engine::book::Books;
use engine::book::books::Limits;
use engine::event::Event;
use engine::quality::Quality;
use engine::shard::Shard;
use tapewatch_benches::clock::timed;
use tapewatch_benches::stages;
use tapewatch_benches::tape::Tape;

const MESSAGES: u64 = 4_000_000;
const CHUNK: usize = 200_000;
/// Events handed over at a time, about a packet's.
const BATCH: usize = 40;
/// Chunks before the books have their size.
const WARM_UP_CHUNKS: usize = 5;

fn over_books(books: &mut Books, quality: &mut Quality, events: &[Event]) -> f64 {
    let ((), taken) = timed(|| {
        for batch in events.chunks(BATCH) {
            books.prefetch(batch);
            // Symbol 0 is the market: it has no book.
            for event in batch.iter().filter(|event| event.symbol != 0) {
                black_box(books.apply(event, quality));
            }
        }
    });
    taken.cpu.as_nanos() as f64 / events.len() as f64
}

fn over_shard(shard: &mut Shard, events: &[Event]) -> f64 {
    let ((), taken) = timed(|| {
        events.chunks(BATCH).for_each(|batch| shard.apply_batch(batch, &mut ()));
    });
    taken.cpu.as_nanos() as f64 / events.len() as f64
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> io::Result<()> {
    let tape = Tape::yardstick().first(MESSAGES);
    let mut events = Vec::new();
    stages::decode_all(&tape, |batch| events.extend_from_slice(batch)).map_err(io::Error::other)?;
    let mut books = Books::new(Limits::default()).map_err(io::Error::other)?;
    let mut shard = Shard::new(Limits::default()).map_err(io::Error::other)?;
    let mut quality = Quality::default();
    let mut costs = Vec::new();
    for (at, chunk) in events.chunks(CHUNK).enumerate() {
        let cost = if at % 2 == 0 {
            let books = over_books(&mut books, &mut quality, chunk);
            (books, over_shard(&mut shard, chunk))
        } else {
            let shard = over_shard(&mut shard, chunk);
            (over_books(&mut books, &mut quality, chunk), shard)
        };
        costs.push(cost);
    }
    costs.drain(..WARM_UP_CHUNKS.min(costs.len() - 1));
    let of = |figure: fn(&(f64, f64)) -> f64| median(costs.iter().map(figure).collect());
    writeln!(
        io::stdout(),
        "{}, {} chunks of {CHUNK} messages, ns a message, medians\n\
         books                {:6.2}\n\
         shard                {:6.2}\n\
         shard less its books {:6.2}",
        tape.origin(),
        costs.len(),
        of(|cost| cost.0),
        of(|cost| cost.1),
        of(|cost| cost.1 - cost.0),
    )
}
