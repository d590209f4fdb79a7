//! Whole texts in, configurations or faults out.

use std::net::Ipv4Addr;
use std::path::Path;

use engine::window::bars::BarSettings;
use engine::window::tick::Span;

use super::detect_keys;
use super::feed_keys::FEED_KEYS;
use super::keys::{KEYS, SECTIONS};
use super::live_feed::{LiveFeed, Protocol, StartAt, Timing};
use super::model::{
    Append, Core, FeedName, OnError, Place, Receive, Release, Sync, Topology, Wait,
};
use super::{Config, read};

/// Every fault of `text`, as `LINE: what`.
fn faults(text: &str) -> Vec<String> {
    faults_with(text, &[])
}

fn faults_with(text: &str, set: &[&str]) -> Vec<String> {
    let set: Vec<String> = set.iter().map(|given| String::from(*given)).collect();
    let (_, faults) = read::read(text, &[], &set);
    faults.iter().map(|fault| fault.text(Some(Path::new("f"))).replacen("f:", "", 1)).collect()
}

/// Every key away from its default.
fn changed() -> Config {
    let mut config = Config::default();
    config.feed.name = FeedName::new("XNAS-itch5").unwrap();
    config.engine.topology = Topology::Pipelined;
    config.engine.shards = 2;
    config.limits.orders_max = 1_000;
    config.limits.levels_max = 2_000;
    config.limits.symbols_max = 3_000;
    config.limits.prints_max = 4_000;
    config.threads.ingest_core = Some(Core(1));
    config.threads.shard_cores = Some(vec![Core(2), Core(1_023)]);
    config.threads.market_core = Some(Core(0));
    config.threads.journal_core = Some(Core(5));
    config.threads.wait = Wait::Interval;
    config.threads.receive = Receive::BusyPoll;
    config.threads.spins = 0;
    config.threads.interval_us = 1_000_000;
    config.threads.lock_memory = true;
    config.threads.prefault_orders = 1_000;
    config.ring.events = 2;
    config.ring.signals = 1 << 24;
    config.journal.place = Place::Disk;
    config.journal.append = Append::Thread;
    config.journal.segment_bytes = 1 << 20;
    config.journal.memory_bytes_max = 4 << 20;
    config.journal.memory_dir = Path::new("/mnt/a \"b\" \\ é").to_owned();
    config.journal.sync = Sync::Batch;
    config.journal.sync_interval_ms = 1;
    config.journal.sync_interval_bytes = 0;
    config.journal.on_error = OnError::ContinueUnjournaled;
    config.journal.low_disk_bytes = 0;
    config.archive.level = 19;
    config.encryption.key_file = String::from("/keys/\"a\"");
    config.hashes.every_sequences = 0;
    config.bars.sizes = vec![Span(90_000_000_000), Span(1_000_000_000)];
    config.bars.lateness = Span(1_500_000);
    config.output.release = Release::Synced;
    config.output.segment_bytes = 1 << 30;
    config.snapshots.every_messages = 0;
    config.snapshots.every_bytes = 1 << 30;
    config.snapshots.every_ms = 60_000;
    config.snapshots.keep = 2;
    for (detector, table) in detect_keys::tables() {
        for parameter in table {
            // At one end of its range, and not where it is.
            let ends = [parameter.max, parameter.min];
            let end = ends.into_iter().find(|end| *end != parameter.default).unwrap();
            *config.detect.0.value_mut(detector, parameter.name).unwrap() = end;
        }
    }
    config.board.enabled = false;
    config.board.symbols_max = 65_535;
    config.run.session_dir = String::from("/sessions/today");
    config.retention.keep = Span(5 * 86_400_000_000_000);
    config.retention.keep_bytes = 100 << 30;
    config
}

/// Two feeds with every key away from its default, as far as a protocol has it.
fn feeds() -> Vec<LiveFeed> {
    let default = LiveFeed::default();
    let lines = LiveFeed {
        name: FeedName::new("A").unwrap(),
        lines: vec!["233.54.12.111:26477".parse().unwrap(), "233.54.28.111:26477".parse().unwrap()],
        interface: Ipv4Addr::LOCALHOST,
        source: Some(Ipv4Addr::new(10, 0, 0, 1)),
        receive_buffer_bytes: 1 << 20,
        session: String::from("000010059B"),
        start: StartAt::Beginning,
        retransmission: vec!["10.0.0.2:31001".parse().unwrap()],
        snapshot: Some("10.0.0.3:31002".parse().unwrap()),
        username: String::from("desk"),
        password_env: String::from("GLIMPSE_PASSWORD"),
        timing: Timing {
            reorder_wait: Span(1_000),
            hole_wait: Span(2_000),
            request_timeout: Span(3_000),
            request_tries_max: 6,
            snapshot_wait: Span(4_000),
            snapshot_retry: Span(5_000),
            line_silent: Span(6_000),
            stale: Span(7_000),
        },
        packets_max: 8,
        bytes_max: 1 << 17,
        request_messages_max: 9,
        requests_in_flight_max: 10,
        ..default.clone()
    };
    let connected = LiveFeed {
        name: FeedName::new("B").unwrap(),
        protocol: Protocol::SoupBinTcp,
        servers: vec!["10.0.0.4:1".parse().unwrap(), "10.0.0.5:2".parse().unwrap()],
        ..default
    };
    vec![lines, connected]
}

#[test]
fn feeds_survive_being_written_and_read() {
    let config = Config { feeds: feeds(), ..changed() };
    assert_eq!(Config::from_toml(&config.to_toml(), &[], &[]).as_ref(), Ok(&config));
    assert_eq!(Config::from_toml(&config.to_commented_toml(), &[], &[]).as_ref(), Ok(&config));
    let table = |feed: &LiveFeed| {
        let text = Config { feeds: vec![feed.clone()], ..Config::default() }.to_toml();
        text.split_once("[[feeds]]\n").unwrap().1.to_owned()
    };
    let changed: Vec<String> = feeds().iter().map(table).collect();
    // Each key is changed in one of the two, or this test would prove nothing about it.
    for line in table(&LiveFeed::default()).lines() {
        assert!(changed.iter().any(|other| !other.lines().any(|it| it == line)), "{line}");
    }
}

#[test]
fn a_feed_in_the_default_text_is_explained_and_becomes_one_without_its_marks() {
    let text = Config::default().to_commented_toml();
    let (_, example) = text.split_once("# [[feeds]]\n").unwrap();
    let is_value = |line: &&str| line.starts_with("# ") && line.as_bytes()[2] != b' ';
    let table: Vec<&str> = example.lines().filter(is_value).map(|line| &line[2..]).collect();
    assert_eq!(table.len(), FEED_KEYS.len());
    let line = "lines = [\"239.0.0.1:5\"]";
    let given = |it: &&str| !it.starts_with("lines = ");
    let table = table.iter().copied().filter(given).collect::<Vec<_>>().join("\n");
    let read = Config::from_toml(&format!("[[feeds]]\n{line}\n{table}"), &[], &[]).unwrap();
    let lines = vec!["239.0.0.1:5".parse().unwrap()];
    assert_eq!(read.feeds, [LiveFeed { lines, ..LiveFeed::default() }]);
}

#[test]
fn a_fault_of_a_feed_names_the_feed_the_key_and_the_line() {
    let text = "[[feeds]]\nlines = [\"239.0.0.1:5\"]\nsesion = \"x\"\n[[feeds]]\nname = \"b\"\n";
    assert_eq!(
        faults(text),
        [
            "1: feeds.1.lines names no line, which \"moldudp64\" needs",
            "3: feeds.0.sesion is no key; did you mean session?",
        ]
    );
    let line = |value: &str| faults(&format!("[[feeds]]\nlines = [\"239.0.0.1:5\"]\n{value}"));
    for (value, told) in [
        ("interface = \"lo\"", "feeds.0.interface must be an IPv4 address"),
        ("snapshot = \"10.0.0.1\"", "feeds.0.snapshot must be an IPv4 address and a port"),
        ("session = \"longer than ten\"", "feeds.0.session must be at most 10 printable"),
        ("stale = 3", "feeds.0.stale must be a duration"),
    ] {
        let found = line(value);
        assert!(found.len() == 1 && found[0].starts_with(&format!("3: {told}")), "{found:?}");
    }
    assert_eq!(faults("feeds = 3"), ["1: feeds must be tables, [[feeds]]"]);
    let text = "[[feeds]]\nlines = [\"239.0.0.1:5\"]";
    let set = [String::from("feeds.0.stale=3s"), String::from("feeds.1.stale=3s")];
    let (config, told) = read::read(text, &[], &set);
    assert_eq!((config.feeds[0].timing.stale, told.len()), (Span(3_000_000_000), 1));
}

#[test]
fn a_configuration_survives_being_written_and_read() {
    let default = Config::default();
    let changed = changed();
    let (plain, other) = (default.to_toml(), changed.to_toml());
    // Each key of the table is changed, or this test would prove nothing about it.
    assert_eq!(plain.lines().count() + 4, other.lines().count());
    let same =
        plain.lines().filter(|line| line.contains('=') && other.lines().any(|it| it == *line));
    // With a key in a file there is none in a variable, and what it encrypts is compressed.
    assert_eq!(same.collect::<Vec<_>>(), ["compress = true", "key_env = \"\""]);
    for (config, text) in [(&default, &plain), (&changed, &other)] {
        assert_eq!(Config::from_toml(text, &[], &[]).as_ref(), Ok(config));
        assert_eq!(Config::from_toml(&config.to_commented_toml(), &[], &[]).as_ref(), Ok(config));
    }
}

#[test]
fn the_defaults_are_what_the_empty_text_means() {
    assert_eq!(Config::from_toml("", &[], &[]), Ok(Config::default()));
}

#[test]
fn the_text_of_the_defaults_is_pinned() {
    // What a session of today writes must mean the same tomorrow.
    let golden = "\
[feed]
name = \"f0\"

[engine]
topology = \"inline\"
shards = 1

[limits]
orders_max = 67108864
levels_max = 16777216
symbols_max = 65536
prints_max = 268435456

[threads]
wait = \"spin-then-yield\"
receive = \"blocking\"
spins = 1000
interval_us = 100
lock_memory = false
prefault_orders = 0

[ring]
events = 16384
signals = 4096

[journal]
place = \"memory\"
append = \"inline\"
segment_bytes = 67108864
memory_bytes_max = 1073741824
memory_dir = \"/dev/shm\"
sync = \"none\"
sync_interval_ms = 10
sync_interval_bytes = 16777216
on_error = \"stop\"
low_disk_bytes = 1073741824

[archive]
compress = true
level = 1

[encryption]
key_file = \"\"
key_env = \"\"

[hashes]
every_sequences = 1048576

[bars]
sizes = []
lateness = \"0s\"

[output]
release = \"appended\"
segment_bytes = 4194304

[snapshots]
every_messages = 5000000
every_bytes = 0
every_ms = 0
keep = 8

[board]
enabled = true
symbols_max = 16384

[run]
session_dir = \"\"

[retention]
keep = \"0s\"
keep_bytes = 0
";
    let text = Config::default().to_toml();
    let (before, detect) = text.split_at(text.find("\n[detect]").unwrap());
    assert_eq!(before, golden);
    assert_eq!(detect, include_str!("detect.golden.toml"));
}

#[test]
fn every_key_and_choice_is_explained_and_fits_the_page() {
    let text = Config::default().to_commented_toml();
    for key in &KEYS {
        assert!(SECTIONS.iter().any(|(section, _)| *section == key.section), "{}", key.path());
        assert!(!key.about.is_empty(), "{}", key.path());
        assert!(text.contains(&format!("{} = ", key.name)), "{}", key.path());
    }
    let words = [
        "busy-spin",
        "park",
        "interval",
        "disk",
        "thread",
        "batch",
        "continue-unjournaled",
        "synced",
    ];
    for word in words {
        assert!(text.contains(&format!("#   \"{word}\": ")), "{word}");
    }
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn every_number_is_refused_just_outside_its_range() {
    let cases: [(&str, &str, i64, i64, i64, i64); 19] = [
        ("engine", "shards", 0, 1, 1, 65),
        ("limits", "orders_max", 0, 1, 1 << 30, (1 << 30) + 1),
        ("limits", "levels_max", 0, 1, 1 << 28, (1 << 28) + 1),
        ("limits", "symbols_max", 0, 1, 1 << 24, (1 << 24) + 1),
        ("limits", "prints_max", 0, 1, 1 << 32, (1 << 32) + 1),
        ("threads", "ingest_core", -1, 0, 1_023, 1_024),
        ("threads", "market_core", -1, 0, 1_023, 1_024),
        ("threads", "journal_core", -1, 0, 1_023, 65_536),
        ("threads", "spins", -1, 0, 1_000_000_000, 4_294_967_296),
        ("threads", "interval_us", 0, 1, 1_000_000, 1_000_001),
        ("threads", "prefault_orders", -1, 0, 1 << 26, (1 << 30) + 1),
        ("ring", "events", 1, 2, 1 << 24, 1 << 25),
        ("ring", "signals", 3, 4, 1 << 24, 1 << 25),
        ("journal", "segment_bytes", 1 << 17, 1 << 18, 1 << 28, 1 << 31),
        ("journal", "memory_bytes_max", 1 << 21, 1 << 28, 1 << 40, 1 << 41),
        ("journal", "sync_interval_ms", 0, 1, 60_000, 60_001),
        ("journal", "sync_interval_bytes", -1, 0, 1 << 40, (1 << 40) + 1),
        ("hashes", "every_sequences", 3, 0, 1 << 40, 1 << 41),
        ("output", "segment_bytes", 1 << 17, 1 << 18, 1 << 30, 1 << 31),
    ];
    for (section, name, below, least, most, above) in cases {
        for good in [least, most] {
            assert_eq!(faults(&format!("[{section}]\n{name} = {good}")), [""; 0]);
        }
        for bad in [below, above] {
            let told = faults(&format!("[{section}]\n{name} = {bad}"));
            assert_eq!(told.len(), 1, "{name} = {bad}: {told:?}");
            let start = format!("2: {section}.{name} must be ");
            assert!(told[0].starts_with(&start), "{told:?}");
            assert!(told[0].ends_with(&format!(", is {bad}")), "{told:?}");
        }
    }
}

#[test]
fn a_size_or_lateness_is_what_the_engine_takes_or_refused_with_its_line() {
    let sizes = |text: &str| format!("[bars]\nlateness = \"1ms\"\nsizes = {text}\n");
    for good in ["[]", "[\"1us\"]", "[\"36525d\"]", "[\"1m30s\", \"1h\", \"1h\"]"] {
        let config = Config::from_toml(&sizes(good), &[], &[]).unwrap();
        let built = BarSettings::new(&config.bars.sizes, config.bars.lateness);
        assert_eq!(built, Ok(config.bars()), "{good}");
    }
    let rule =
        "must be a duration such as \"1m30s\", from 1us to 36525d, in whole microseconds, is";
    for (bad, what) in [
        ("[\"0s\"]", "the text \"0s\""),
        ("[\"1s\", \"1500ns\"]", "the text \"1500ns\""),
        ("[\"36525d1us\"]", "the text \"36525d1us\""),
        ("[\"1 s\"]", "the text \"1 s\""),
        ("[1]", "1"),
    ] {
        assert_eq!(faults(&sizes(bad)), [format!("3: bars.sizes {rule} {what}")]);
    }
    assert_eq!(
        faults(&sizes("\"1s\"")),
        ["3: bars.sizes must be a list of durations such as [\"1s\", \"1m\"], is the text \"1s\""]
    );
    for (bad, shown) in [("\"1ns\"", "the text \"1ns\""), ("0", "0")] {
        let told = faults(&format!("[bars]\nlateness = {bad}"));
        let rule =
            "must be a duration such as \"1m30s\", from 0s to 36525d, in whole microseconds, is";
        assert_eq!(told, [format!("2: bars.lateness {rule} {shown}")]);
    }
    let set = ["bars.sizes=[\"1s\"]", "bars.lateness=2ms"].map(String::from);
    let config = Config::from_toml("", &[], &set).unwrap();
    assert_eq!(config.bars().sizes(), [Span(1_000_000_000)]);
    assert_eq!(config.bars().lateness(), Span(2_000_000));
}

#[test]
fn every_fault_is_told_with_its_line_in_order() {
    let text = "\
shards = 3
[enigne]
x = 1
[engine]
topology = \"pipelind\"
shards = 65
shards = 2
[threads]
place
lock_memory = 1
ingest_core = 2
shard_cores = [1, \"a\"]
market_core = 2
spins = 99999999999999999999999999
spins = 5
[feed]
name = \"ä\"
[journal]
sync_interval_ms = 1.5
memory_dir = \"shm\"
on_eror = \"stop\"
sync = 1979-05-27
[[hashes]]
every_sequences = 3
";
    assert_eq!(
        faults(text),
        [
            "1: shards stands before the first section; it belongs in [engine]",
            "2: enigne is no section; did you mean [engine]?",
            "5: engine.topology must be one of \"inline\", \"pipelined\", is the text \"pipelind\"",
            "6: engine.shards must be from 1 to 64, is 65",
            "7: duplicate key at `shards`",
            "9: key with no value, expected `=`",
            "10: threads.lock_memory must be true or false, is 1",
            "12: threads.shard_cores must be an integer, from 0 to 1023, is the text \"a\"",
            "13: threads.market_core names core 2, as threads.ingest_core does",
            "14: threads.spins must be from 0 to 1000000000, is 99999999999999999999999999",
            "15: duplicate key at `spins`",
            "17: feed.name must be 1 to 16 ASCII letters, digits or '-' in quotes, is the text \"ä\"",
            "19: journal.sync_interval_ms must be an integer, from 1 to 60000, is 1.5",
            "20: journal.memory_dir must be an absolute path, is the text \"shm\"",
            "21: journal.on_eror is no key; did you mean on_error?",
            "22: journal.sync must be one of \"none\", \"interval\", \"batch\", is a date or time",
            "23: hashes must be a section, [hashes]",
        ]
    );
}

#[test]
fn dotted_keys_and_other_ways_of_writing_are_the_same() {
    let text = "engine.topology = 'pipelined'\nengine.\"shards\" = 0x2\nring = {events = 1_024}\n";
    let config = Config::from_toml(text, &[], &[]).unwrap();
    assert_eq!((config.engine.shards, config.ring.events), (2, 1_024));
    assert_eq!(faults("\u{feff}[feed]\r\nname = \"a\"\r\n"), [""; 0]);
}

#[test]
fn values_that_do_not_go_together_are_told_where_the_first_was_given() {
    let told = faults("[engine]\nshards = 4");
    assert_eq!(
        told,
        ["2: engine.shards is 4, which needs engine.topology = \"pipelined\"; \"inline\" has one"]
    );
    // The segment is what was given; the memory is the default.
    let told = faults("[journal]\n\nsegment_bytes = 1073741824");
    assert!(told[0].starts_with("3: journal.memory_bytes_max must be whole segments"), "{told:?}");
    // One fault at a time: of a wrong value nothing more is said.
    assert_eq!(faults("[engine]\nshards = 4\ntopology = 1").len(), 1);
}

#[test]
fn set_goes_over_the_file_and_takes_words_without_quotes() {
    let set = ["journal.sync=batch", " threads.shard_cores = [3] ", "engine.shards=1"];
    let set: Vec<String> = set.into_iter().map(String::from).collect();
    let text = "[engine]\nshards = 64\n[threads]\nmarket_core = 1";
    let (config, faults) = read::read(text, &[], &set);
    assert_eq!(faults, []);
    assert_eq!(config.journal.sync, Sync::Batch);
    assert_eq!(config.threads.shard_cores, Some(vec![Core(3)]));
    let set = [String::from("threads.market_core="), String::from("engine.shards=1")];
    assert_eq!(read::read(text, &[], &set).0.threads.market_core, None);
}

#[test]
fn a_fault_of_set_names_the_key_and_the_value() {
    let text = "[engine]\ntopology = \"pipelined\"\nshards = 0";
    assert_eq!(
        faults_with(text, &["engine.shards=65", "sync=batch", "journal.sync", "feed.name="]),
        [
            "3: engine.shards must be from 1 to 64, is 0",
            "--set engine.shards=65: engine.shards must be from 1 to 64, is 65",
            "--set feed.name=: feed.name must be 1 to 16 ASCII letters, digits or '-' in quotes, is the text \"\"",
            "--set journal.sync: is not KEY=VALUE, such as journal.sync=batch",
            "--set sync=batch: sync is no key; did you mean journal.sync?",
        ]
    );
    let told = faults_with("", &["engine.shards=2"]);
    assert!(told[0].starts_with("--set engine.shards=2: engine.shards is 2, which"), "{told:?}");
}

#[test]
fn somebody_elses_section_is_left_alone() {
    let text = format!("[session]\nid = \"x\"\n\n{}", changed().to_toml());
    assert_eq!(Config::from_toml(&text, &["session"], &[]), Ok(changed()));
    assert!(Config::from_toml(&text, &[], &[]).is_err());
}

#[test]
fn no_damage_to_a_file_upsets_the_reader() {
    let text = changed().to_toml();
    // Of the detectors, which are all read alike, the first.
    let (text, _) = text.split_once("\n[detect.message_burst]").unwrap();
    let whole: Vec<char> = text.chars().collect();
    for place in 0..whole.len() {
        for damage in ["", "\"", "[", "]", "=", "\n", "{", ".", "'''", "\0", "é"] {
            let mut damaged: String = whole[..place].iter().collect();
            damaged.push_str(damage);
            damaged.extend(&whole[place + 1..]);
            let (config, faults) = read::read(&damaged, &[], &[]);
            // Either it is still right as a whole, or it is refused.
            if faults.is_empty() {
                assert_eq!(Config::from_toml(&config.to_toml(), &[], &[]), Ok(config));
            }
        }
        let torn: String = whole[..place].iter().collect();
        let _ = read::read(&torn, &[], &[]);
    }
}

#[test]
fn a_key_is_named_and_what_may_be_one_is_not_repeated() {
    let text = |key: &str, value: &str| format!("[encryption]\n{key} = \"{value}\"\n");
    for (key, good) in
        [("key_file", "/a/key"), ("key_file", ""), ("key_env", "KEY_1"), ("key_env", "")]
    {
        assert!(Config::from_toml(&text(key, good), &[], &[]).is_ok(), "{key} {good}");
    }
    let rule = "must be an absolute path or \"\", is the text \"key\"";
    assert_eq!(faults(&text("key_file", "key")), [format!("2: encryption.key_file {rule}")]);
    let secret = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let letters = "aabbccddeeffaabbccddeeffaabbccddeeffaabbccddeeffaabbccddeeffaabb";
    for bad in [secret, letters, "A B", "1A"] {
        let rule = "must be the name of an environment variable, or \"\"";
        assert_eq!(faults(&text("key_env", bad)), [format!("2: encryption.key_env {rule}")]);
        let told = faults_with("", &[&format!("encryption.key_env={bad}")]);
        assert!(told.len() == 1 && !told[0].contains(bad), "{told:?}");
    }
}
