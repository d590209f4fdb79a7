//! The journal in front of the engine: what a failing stage leaves, and what a replay of it gives.

use engine::book::books::Limits;
use engine::event::Event;
use engine::journal::source::JournalSource;
use engine::journal::writer::{Journal, JournalEnd};
use engine::log::directories::LogDirectories;
use engine::log::storage::Directory;
use engine::log::verify::verify;
use engine::log::{LogKind, SessionId};
use engine::packet::{Arrival, Source as _};
use engine::pipeline::inline::Inline;
use engine::pipeline::pipelined::{Pipelined, PushError};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::shard::{Observer, Outcome, Shard};
use engine::state::{SectionSums, StateHash, section_sums};
use engine::units::Nanos;
use feed_handlers::itch50::decode::Itch50Decoder;
use tapewatch_tests::engines::{journal_options, layout};
use tapewatch_tests::session::RandomSession;

fn journal(directory: &std::path::Path) -> Journal {
    Journal::create(journal_options(directory), SessionId([7; 16]), "[session]\n").unwrap()
}

fn decoder() -> Itch50Decoder {
    Itch50Decoder::new(Nanos(0)).unwrap()
}

/// Fails at the event with a sequence.
struct FailsAt(u64);

impl Observer for FailsAt {
    fn on_event(&mut self, event: &Event, _outcome: &Outcome, _shard: &Shard) {
        assert_ne!(event.sequence, self.0, "the strategy fails");
    }
}

#[test]
fn a_stage_that_panics_leaves_a_journal_that_verifies_and_holds_every_packet_taken() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = journal(dir.path());
    let layout = layout(2, 256);
    let sequencer = Sequencer::new(Nanos(0));
    let mut engine =
        Pipelined::start(decoder(), sequencer, Selection::all(), &layout, |_| FailsAt(9_000), ())
            .unwrap();
    let (mut journaled, mut refused) = (Vec::new(), false);
    RandomSession::new(3, 6, 60_000).packets(4, 60, false, |packet| {
        if refused {
            return;
        }
        journal.append_packet(packet).unwrap();
        journaled.push((packet.sequence, packet.messages.to_vec()));
        refused = engine.push(packet) == Err(PushError::StageFailed);
    });
    assert!(refused, "the failure was told before the input ended");
    assert!(engine.finish().is_err());
    // As the process does: it ends without closing the journal.
    drop(journal);

    let directories = LogDirectories::disk(Directory::new(dir.path()));
    let report = verify(&directories, LogKind::Journal).unwrap();
    assert_eq!(report.faults, []);
    assert!(!report.ended_orderly);
    let mut source = JournalSource::open(directories).unwrap();
    for (sequence, messages) in &journaled {
        let Arrival::Packet(packet) = source.next().unwrap() else {
            panic!("packet {} is missing", sequence.0);
        };
        assert_eq!((packet.sequence, packet.messages), (*sequence, &messages[..]));
    }
    assert_eq!(source.next().unwrap(), Arrival::End);
}

#[test]
fn a_session_replayed_from_its_journal_has_the_state_of_the_run_that_was_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = journal(dir.path());
    let sequencer = || Sequencer::new(Nanos(0));
    let mut recorded =
        Pipelined::start(decoder(), sequencer(), Selection::all(), &layout(3, 256), |_| (), ())
            .unwrap();
    RandomSession::new(8, 9, 40_000).packets(2, 100, false, |packet| {
        journal.append_packet(packet).unwrap();
        recorded.push(packet).unwrap();
    });
    let parts = recorded.finish().unwrap();
    let mut sums = SectionSums::default();
    for shard in &parts.shards {
        let owns_market = shard.place().owns_market();
        sums += section_sums(shard, parts.sequencer.feed_time(), owns_market);
    }
    assert!(matches!(journal.close().unwrap(), JournalEnd::Complete(_)));

    let directories = LogDirectories::disk(Directory::new(dir.path()));
    let mut source = JournalSource::open(directories).unwrap();
    let shard = Shard::new(Limits::default()).unwrap();
    let mut replayed = Inline::new(decoder(), sequencer(), Selection::all(), shard, ());
    while let Arrival::Packet(packet) = source.next().unwrap() {
        replayed.push(&packet).unwrap();
    }
    let ours = section_sums(replayed.shard(), replayed.sequencer().feed_time(), true);
    assert_eq!(StateHash::of(&ours), StateHash::of(&sums));
    assert_eq!(replayed.decoder().counts(), parts.decoder.counts());
}
