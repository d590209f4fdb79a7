//! A copied tree of `/proc` and `/sys` for tests.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use super::rings::Ring;
use super::root::{Root, Space};

pub(crate) struct Tree {
    dir: TempDir,
}

impl Tree {
    /// A tree of these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Tree {
        let dir = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        Tree { dir }
    }

    /// With a link at `path`.
    pub(crate) fn link(self, path: &str, target: &str) -> Tree {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
        self
    }

    pub(crate) fn root(&self) -> Root {
        Root::at(self.path())
    }

    /// As [`Tree::root`], with file systems of this size.
    pub(crate) fn with_space(&self, space: fn(&Path) -> Option<Space>) -> Root {
        Root::with_space(self.path(), space)
    }

    /// As [`Tree::root`], with cards that have these rings.
    pub(crate) fn with_ring(&self, ring: fn(&str) -> Option<Ring>) -> Root {
        Root::with_ring(self.path(), ring)
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}
