//! What no single key can tell: values that do not go together.

use std::borrow::Cow;

use super::feed_clashes::feed_clashes;
use super::model::{Config, Core, Release, Sync, Topology};

/// Values that do not go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clash {
    /// The keys, by `section.name`; the fault is told at the first of them that was given.
    pub(super) keys: [Cow<'static, str>; 2],
    /// What is wrong, as what follows the first key's name.
    pub(super) what: String,
}

/// Every clash in `config`, whose values are each within their own range.
pub(super) fn clashes(config: &Config) -> Vec<Clash> {
    let Config { engine, limits, threads, journal, archive, encryption, output, .. } = config;
    let mut clashes = cores_named_twice(config);
    clashes.extend(feed_clashes(&config.feeds));
    let mut clash = |keys: [&'static str; 2], what| {
        clashes.push(Clash { keys: keys.map(Cow::Borrowed), what });
    };

    if engine.shards > 1 && engine.topology == Topology::Inline {
        let shards = engine.shards;
        clash(
            ["engine.shards", "engine.topology"],
            format!("is {shards}, which needs engine.topology = \"pipelined\"; \"inline\" has one"),
        );
    }
    if let Some(cores) = &threads.shard_cores
        && cores.len() != engine.shards as usize
    {
        clash(
            ["threads.shard_cores", "engine.shards"],
            format!("names {} core(s) for engine.shards = {}", cores.len(), engine.shards),
        );
    }
    if threads.prefault_orders > limits.orders_max {
        let (given, most) = (threads.prefault_orders, limits.orders_max);
        clash(
            ["threads.prefault_orders", "limits.orders_max"],
            format!("is {given}, more than limits.orders_max = {most}"),
        );
    }
    let (segment, memory) = (journal.segment_bytes, journal.memory_bytes_max);
    if memory < 4 * segment || !memory.is_multiple_of(segment) {
        clash(
            ["journal.memory_bytes_max", "journal.segment_bytes"],
            format!(
                "must be whole segments of journal.segment_bytes = {segment}, four at least, is {memory}"
            ),
        );
    }
    if output.release == Release::Synced && journal.sync == Sync::Nothing {
        clash(
            ["output.release", "journal.sync"],
            String::from(
                "is \"synced\", which needs journal.sync = \"interval\" or \"batch\"; \"none\" tells no time",
            ),
        );
    }
    if !encryption.key_file.is_empty() && !encryption.key_env.is_empty() {
        let what = String::from("names a key, and so does encryption.key_file; give one of them");
        clash(["encryption.key_env", "encryption.key_file"], what);
    }
    for (key, given) in
        [("encryption.key_file", &encryption.key_file), ("encryption.key_env", &encryption.key_env)]
    {
        if !given.is_empty() && !archive.compress {
            let what = "names a key, and segments are encrypted only with archive.compress = true";
            clash([key, "archive.compress"], String::from(what));
        }
    }
    clashes
}

/// Two threads that spin on one core starve each other.
fn cores_named_twice(config: &Config) -> Vec<Clash> {
    let threads = &config.threads;
    let single = |core: &Option<Core>| core.iter().copied().collect::<Vec<_>>();
    let keys: [(&'static str, Vec<Core>); 4] = [
        ("threads.ingest_core", single(&threads.ingest_core)),
        ("threads.shard_cores", threads.shard_cores.clone().unwrap_or_default()),
        ("threads.market_core", single(&threads.market_core)),
        ("threads.journal_core", single(&threads.journal_core)),
    ];
    let mut named: Vec<(&'static str, Core)> = Vec::new();
    let mut clashes = Vec::new();
    for (key, cores) in keys {
        for core in cores {
            match named.iter().find(|(_, other)| *other == core) {
                None => named.push((key, core)),
                Some(&(first, Core(number))) => {
                    let what = if first == key {
                        format!("names core {number} twice")
                    } else {
                        format!("names core {number}, as {first} does")
                    };
                    clashes.push(Clash { keys: [key, first].map(Cow::Borrowed), what });
                }
            }
        }
    }
    clashes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clashes of a configuration changed from the default.
    fn of(change: impl FnOnce(&mut Config)) -> Vec<Clash> {
        let mut config = Config::default();
        change(&mut config);
        clashes(&config)
    }

    #[test]
    fn the_default_has_none() {
        assert_eq!(of(|_| ()), []);
    }

    #[test]
    fn several_shards_need_a_pipeline() {
        let found = of(|config| config.engine.shards = 2);
        assert_eq!(found[0].keys, ["engine.shards", "engine.topology"]);
        let pipelined = of(|config| {
            config.engine.shards = 2;
            config.engine.topology = Topology::Pipelined;
        });
        assert_eq!(pipelined, []);
    }

    #[test]
    fn each_shard_has_a_core_or_none_has() {
        let found = of(|config| config.threads.shard_cores = Some(vec![Core(1), Core(2)]));
        assert_eq!(found[0].keys, ["threads.shard_cores", "engine.shards"]);
        assert_eq!(of(|config| config.threads.shard_cores = Some(vec![Core(1)])), []);
        assert_eq!(of(|config| config.threads.shard_cores = Some(vec![])).len(), 1);
    }

    #[test]
    fn a_core_named_twice_is_told_with_both_keys() {
        let found = of(|config| {
            config.threads.ingest_core = Some(Core(3));
            config.threads.journal_core = Some(Core(3));
        });
        assert_eq!(found[0].keys, ["threads.journal_core", "threads.ingest_core"]);
        assert_eq!(found[0].what, "names core 3, as threads.ingest_core does");
        let found = of(|config| {
            config.engine.topology = Topology::Pipelined;
            config.engine.shards = 2;
            config.threads.shard_cores = Some(vec![Core(5), Core(5)]);
        });
        assert_eq!(found[0].what, "names core 5 twice");
    }

    #[test]
    fn memory_holds_four_whole_segments() {
        let with = |segments: u64, extra: u64| {
            of(|config| {
                config.journal.segment_bytes = 1 << 20;
                config.journal.memory_bytes_max = (segments << 20) + extra;
            })
        };
        assert_eq!(with(4, 0), []);
        assert_eq!(with(3, 0).len(), 1);
        assert_eq!(with(4, 1)[0].keys[0], "journal.memory_bytes_max");
    }

    #[test]
    fn what_waits_for_the_disk_needs_a_journal_that_is_brought_there() {
        let with = |sync| {
            of(|config| {
                config.output.release = Release::Synced;
                config.journal.sync = sync;
            })
        };
        assert_eq!(with(Sync::Nothing)[0].keys, ["output.release", "journal.sync"]);
        assert_eq!(with(Sync::Interval), []);
        assert_eq!(with(Sync::Batch), []);
    }

    #[test]
    fn there_is_one_key_and_something_that_it_encrypts() {
        let with = |file: &str, env: &str, compress| {
            of(|config| {
                (config.encryption.key_file, config.encryption.key_env) = (file.into(), env.into());
                config.archive.compress = compress;
            })
        };
        assert_eq!(with("/key", "", true), []);
        assert_eq!(with("", "KEY", true), []);
        assert_eq!(with("", "", false), []);
        assert_eq!(
            with("/key", "KEY", true)[0].keys,
            ["encryption.key_env", "encryption.key_file"]
        );
        assert_eq!(with("/key", "", false)[0].keys, ["encryption.key_file", "archive.compress"]);
        assert_eq!(with("", "KEY", false)[0].keys, ["encryption.key_env", "archive.compress"]);
    }

    #[test]
    fn no_more_orders_are_touched_than_there_may_be() {
        let found = of(|config| {
            config.limits.orders_max = 10;
            config.threads.prefault_orders = 11;
        });
        assert_eq!(found[0].keys, ["threads.prefault_orders", "limits.orders_max"]);
    }
}
