//! Work that is done again only when something it depends on has changed.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// What a piece of work depends on, as one number.
#[derive(Default)]
pub(crate) struct Inputs(DefaultHasher);

impl Inputs {
    /// A setting of the work.
    pub(crate) fn setting(mut self, setting: &str) -> Self {
        setting.hash(&mut self.0);
        self
    }

    /// The content of a file, or of all files of a folder.
    pub(crate) fn path(mut self, path: &Path) -> Result<Self> {
        for file in files(path)? {
            file.hash(&mut self.0);
            fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?.hash(&mut self.0);
        }
        Ok(self)
    }

    /// Does the work, unless the last time was with the same inputs and its outputs are still there.
    pub(crate) fn make(self, stamp: &Path, outputs: &[&Path], work: impl FnOnce() -> Result<()>) -> Result<()> {
        let key = format!("{:016x}\n", self.0.finish());
        let is_done = fs::read_to_string(stamp).is_ok_and(|last| last == key);
        if is_done && outputs.iter().all(|output| output.exists()) {
            return Ok(());
        }
        work()?;
        if let Some(folder) = stamp.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(stamp, key).with_context(|| format!("cannot write {}", stamp.display()))
    }
}

fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths.iter().map(|path| files(path)).collect::<Result<Vec<_>>>()?.concat())
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, env, process};

    use super::*;

    #[test]
    fn work_is_done_again_only_for_other_inputs_or_a_missing_output() -> Result<()> {
        let folder = env::temp_dir().join(format!("xtask-stamp-{}", process::id()));
        fs::create_dir_all(&folder)?;
        let [input, output, stamp] = ["input", "output", "stamp"].map(|name| folder.join(name));
        let done = Cell::new(0);
        let make = |setting| {
            Inputs::default().setting(setting).path(&input)?.make(&stamp, &[&output], || {
                done.set(done.get() + 1);
                Ok(fs::write(&output, "made")?)
            })
        };

        fs::write(&input, "one")?;
        make("a")?;
        make("a")?;
        assert_eq!(done.get(), 1);
        fs::write(&input, "two")?;
        make("a")?;
        assert_eq!(done.get(), 2, "another input");
        make("b")?;
        assert_eq!(done.get(), 3, "another setting");
        fs::remove_file(&output)?;
        make("b")?;
        assert_eq!(done.get(), 4, "a missing output");
        Ok(fs::remove_dir_all(folder)?)
    }
}
