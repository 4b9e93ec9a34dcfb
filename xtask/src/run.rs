//! Running other programs.

use std::{
    io,
    process::{Command, ExitCode, Output, Stdio},
};

use anyhow::{Context, Result, bail};

/// Runs a command, and answers what it wrote to stdout.
///
/// # Errors
///
/// If it does not start, or fails: with all that it wrote.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = captured(command)?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => bail!("`{}` failed ({})\n{}", line(command), output.status, text(&output)),
    }
}

/// Runs a command that shows its own progress; all of it goes to stderr.
///
/// # Errors
///
/// If it does not start, or fails.
pub(crate) fn shown(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).stdout(io::stderr()).status().with_context(|| not_started(command))?;
    match status.success() {
        true => Ok(()),
        false => bail!("`{}` failed ({status}); its output above says why", line(command)),
    }
}

/// Runs a command to its end, whatever that is.
///
/// # Errors
///
/// If it does not start.
pub(crate) fn captured(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).output().with_context(|| not_started(command))
}

/// Becomes another program where the system can do that, so that signals reach it and its exit code is ours.
///
/// # Errors
///
/// If it does not start.
pub(crate) fn replaced_by(command: &mut Command) -> Result<ExitCode> {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        Err(command.exec()).with_context(|| not_started(command))
    }
    #[cfg(not(unix))]
    {
        let status = command.status().with_context(|| not_started(command))?;
        Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
    }
}

/// All that a command wrote.
pub(crate) fn text(output: &Output) -> String {
    let parts = [&output.stdout, &output.stderr].map(|part| String::from_utf8_lossy(part).trim_end().to_owned());
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn not_started(command: &Command) -> String {
    format!("`{}` does not start", command.get_program().to_string_lossy())
}
