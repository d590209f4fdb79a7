//! Every sequence of up to six received packets of two lines: each loss, each repetition and each
//! order there is.

use super::*;

/// All sequences of `length` symbols below `base`, as digits of a number.
fn digits(mut number: u64, base: u64, length: u32) -> impl Iterator<Item = u64> {
    (0..length).map(move |_| {
        let digit = number % base;
        number /= base;
        digit
    })
}

/// A feed that goes on from one sequence to the next, so that each begins where nothing is missing.
struct Stream {
    driven: Driven,
    /// The messages before the sequence that is checked.
    base: u64,
    /// One message each, made anew for each sequence.
    datagrams: Vec<Vec<u8>>,
}

impl Stream {
    /// Sends what `number` names of `packets` packets, the same ones on both lines, and compares all
    /// that comes out. Tells whether the union was complete.
    fn check(&mut self, packets: u64, number: u64, length: u32) -> bool {
        for (packet, datagram) in (1..).zip(&mut self.datagrams) {
            let number = (self.base + packet).to_be_bytes();
            datagram[10..18].copy_from_slice(&number);
            datagram[22..30].copy_from_slice(&number);
        }
        let mut came = 0_u64;
        for symbol in digits(number, 2 * packets, length) {
            let (line, packet) = ((symbol % 2) as usize, symbol / 2);
            came |= 1 << packet;
            self.driven.line(line, &self.datagrams[packet as usize]);
        }
        let complete = u64::from(came.trailing_ones());
        let expected = (self.base + 1..=self.base + complete).map(Out::Message);
        assert!(
            self.driven.out.iter().cloned().eq(expected),
            "{packets} packets, sequence {number} of {length}: {:?}",
            self.driven.out
        );
        // The rest comes, so that the next sequence begins with nothing missing.
        self.driven.line(0, &datagram(self.base + 1, packets));
        self.base += packets;
        assert_eq!(self.driven.feed.next_sequence(), Some(Sequence(self.base + 1)));
        assert_eq!(self.driven.feed.waiting_packets(), 0);
        self.driven.out.clear();
        complete == packets
    }
}

#[test]
fn whenever_the_union_of_the_lines_is_complete_the_stream_is_the_lossless_one() {
    let mut complete = 0_u64;
    let datagrams = vec![datagram(1, 1); 6];
    let mut stream = Stream { driven: Driven::new(settings()), base: 0, datagrams };
    for packets in 1..=6_u64 {
        for length in 1..=6_u32 {
            for number in 0..(2 * packets).pow(length) {
                complete += u64::from(stream.check(packets, number, length));
            }
        }
    }
    // Onto p packets, each on either line: surjections times 2^length.
    let surjections = |length: u32, p: u64| -> u64 {
        let onto = (0..=p).map(|k| {
            let sign = if k % 2 == 0 { 1 } else { -1 };
            sign * choose(p, k) * ((p - k) as i64).pow(length)
        });
        onto.sum::<i64>() as u64
    };
    let expected: u64 = (1..=6_u64)
        .map(|p| (1..=6).map(|length| surjections(length, p) << length).sum::<u64>())
        .sum();
    assert_eq!(complete, expected, "each sequence whose union is complete was among them");
    assert_eq!(stream.driven.feed.ledger().counts().opened, 0);
}

fn choose(n: u64, k: u64) -> i64 {
    (0..k).fold(1, |product, i| product * (n - i) as i64 / (i + 1) as i64)
}

/// The same with packets of unequal length that overlap: each line cuts the stream of ten messages
/// its own way, in three packets.
#[test]
fn lines_that_cut_the_stream_differently_make_one_stream_all_the_same() {
    let cuts: [[(u64, u64); 3]; 2] = [[(1, 4), (5, 2), (7, 4)], [(1, 2), (3, 6), (9, 2)]];
    let datagrams = cuts.map(|line| line.map(|(first, count)| datagram(first, count)));
    for length in 1..=6_u32 {
        for number in 0..6_u64.pow(length) {
            let mut feed = Driven::new(settings());
            let mut came = 0_u64;
            for symbol in digits(number, 6, length) {
                let (line, packet) = ((symbol % 2) as usize, (symbol / 2) as usize);
                let (first, count) = cuts[line][packet];
                came |= ((1 << count) - 1) << (first - 1);
                feed.line(line, &datagrams[line][packet]);
            }
            let complete = u64::from(came.trailing_ones());
            assert_eq!(feed.take(), messages(1..complete + 1), "sequence {number} of {length}");
        }
    }
}
