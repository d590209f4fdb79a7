//! Our ring and published ones under one interface, each in the way its documentation shows.

use crossbeam_queue::ArrayQueue;
use disruptor::{
    BusySpin, EventPoller, Producer as _, SingleConsumerBarrier, SingleProducer,
    SingleProducerBarrier, build_single_producer,
};
use engine::event::Event;
use std::sync::Arc;

use super::value;

/// A bounded queue from one thread to another. Nothing here waits.
pub trait Contender {
    /// The end that writes.
    type Sender: Send;
    /// The end that reads.
    type Receiver: Send;

    /// Both ends of a queue of `capacity` values, a power of two.
    fn make(capacity: usize) -> (Self::Sender, Self::Receiver);

    /// Sends one value; `false` if the queue is full.
    fn send(sender: &mut Self::Sender, value: &Event) -> bool;

    /// Sends as many of these values as the queue takes. Tells how many.
    fn send_chunk(sender: &mut Self::Sender, values: &[Event]) -> usize;

    /// Takes one value out.
    fn receive(receiver: &mut Self::Receiver) -> Option<Event>;

    /// Shows all values there are to `sink` and takes them out. Tells how many.
    fn receive_all(receiver: &mut Self::Receiver, sink: impl FnMut(&Event)) -> usize;
}

/// `engine::ring`.
pub struct Tapewatch;

impl Contender for Tapewatch {
    type Sender = engine::ring::Producer<Event>;
    type Receiver = engine::ring::Consumer<Event>;

    fn make(capacity: usize) -> (Self::Sender, Self::Receiver) {
        engine::ring::ring(capacity).expect("memory for a ring")
    }

    #[inline(always)]
    fn send(sender: &mut Self::Sender, value: &Event) -> bool {
        sender.try_push(*value).is_ok()
    }

    #[inline(always)]
    fn send_chunk(sender: &mut Self::Sender, values: &[Event]) -> usize {
        sender.push_slice(values)
    }

    #[inline(always)]
    fn receive(receiver: &mut Self::Receiver) -> Option<Event> {
        receiver.try_pop()
    }

    #[inline(always)]
    fn receive_all(receiver: &mut Self::Receiver, sink: impl FnMut(&Event)) -> usize {
        let batch = receiver.read(usize::MAX);
        let count = batch.len();
        batch.iter().for_each(sink);
        batch.release(count);
        count
    }
}

/// The crate `rtrb`.
pub struct Rtrb;

impl Contender for Rtrb {
    type Sender = rtrb::Producer<Event>;
    type Receiver = rtrb::Consumer<Event>;

    fn make(capacity: usize) -> (Self::Sender, Self::Receiver) {
        rtrb::RingBuffer::new(capacity)
    }

    #[inline(always)]
    fn send(sender: &mut Self::Sender, value: &Event) -> bool {
        sender.push(*value).is_ok()
    }

    #[inline(always)]
    fn send_chunk(sender: &mut Self::Sender, values: &[Event]) -> usize {
        sender.push_partial_slice(values).0.len()
    }

    #[inline(always)]
    fn receive(receiver: &mut Self::Receiver) -> Option<Event> {
        receiver.pop().ok()
    }

    #[inline(always)]
    fn receive_all(receiver: &mut Self::Receiver, sink: impl FnMut(&Event)) -> usize {
        let Ok(chunk) = receiver.read_chunk(receiver.slots()) else {
            return 0;
        };
        let (front, back) = chunk.as_slices();
        let count = front.len() + back.len();
        front.iter().chain(back).for_each(sink);
        chunk.commit_all();
        count
    }
}

/// `ArrayQueue` of the crate `crossbeam-queue`, which allows many at both ends and has no chunks.
pub struct Crossbeam;

impl Contender for Crossbeam {
    type Sender = Arc<ArrayQueue<Event>>;
    type Receiver = Arc<ArrayQueue<Event>>;

    fn make(capacity: usize) -> (Self::Sender, Self::Receiver) {
        let queue = Arc::new(ArrayQueue::new(capacity));
        (queue.clone(), queue)
    }

    #[inline(always)]
    fn send(sender: &mut Self::Sender, value: &Event) -> bool {
        sender.push(*value).is_ok()
    }

    #[inline(always)]
    fn send_chunk(sender: &mut Self::Sender, values: &[Event]) -> usize {
        values.iter().take_while(|value| sender.push(**value).is_ok()).count()
    }

    #[inline(always)]
    fn receive(receiver: &mut Self::Receiver) -> Option<Event> {
        receiver.pop()
    }

    #[inline(always)]
    fn receive_all(receiver: &mut Self::Receiver, sink: impl FnMut(&Event)) -> usize {
        std::iter::from_fn(|| receiver.pop()).inspect(sink).count()
    }
}

/// The crate `disruptor`, polled, so that the threads are ours as with the others.
pub struct Disruptor;

impl Contender for Disruptor {
    type Sender = SingleProducer<Event, SingleConsumerBarrier>;
    type Receiver = EventPoller<Event, SingleProducerBarrier>;

    fn make(capacity: usize) -> (Self::Sender, Self::Receiver) {
        let factory = || value(0);
        let (poller, builder) =
            build_single_producer(capacity, factory, BusySpin).new_event_poller();
        (builder.build(), poller)
    }

    #[inline(always)]
    fn send(sender: &mut Self::Sender, value: &Event) -> bool {
        sender.try_publish(|slot| *slot = *value).is_ok()
    }

    #[inline(always)]
    fn send_chunk(sender: &mut Self::Sender, values: &[Event]) -> usize {
        let published = sender.try_batch_publish(values.len(), |slots| {
            slots.zip(values).for_each(|(slot, value)| *slot = *value);
        });
        if published.is_ok() { values.len() } else { 0 }
    }

    #[inline(always)]
    fn receive(receiver: &mut Self::Receiver) -> Option<Event> {
        let mut guard = receiver.take(1).ok()?;
        (&mut guard).next().copied()
    }

    #[inline(always)]
    fn receive_all(receiver: &mut Self::Receiver, sink: impl FnMut(&Event)) -> usize {
        let Ok(mut guard) = receiver.poll() else {
            return 0;
        };
        let events = &mut guard;
        let count = events.len();
        events.for_each(sink);
        count
    }
}
