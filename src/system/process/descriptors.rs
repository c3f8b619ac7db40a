//! Descriptors that this process was started with, besides the three streams.
//!
//! Invariant: what this process opens itself is closed in the programs that it starts; so whatever is
//! not was inherited, from a shell, a build tool or an editor, and is no business of agents.

/// Closes every descriptor that this process inherited, so that no program inherits it in turn.
///
/// A file that the caller named by its descriptor (`/dev/fd/63`) must have been read before.
#[cfg(target_os = "linux")]
pub(crate) fn close_inherited() {
    let Ok(folder) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers = folder.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let inherited: Vec<i32> =
        numbers.filter(|number| *number > 2 && is_passed_on(*number)).collect();
    for number in inherited {
        // It fails if it was closed meanwhile, which is all that is wanted.
        let _ = nix::unistd::close(number);
    }
}

#[cfg(target_os = "linux")]
fn is_passed_on(number: i32) -> bool {
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap_or_default();
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u64::from_str_radix(flags.trim(), 8).ok());
    let close_on_exec = u64::from(rustix::fs::OFlags::CLOEXEC.bits());
    flags.is_some_and(|flags| flags & close_on_exec == 0)
}

/// Does nothing: this system does not list which descriptors were inherited.
#[cfg(not(target_os = "linux"))]
pub(crate) fn close_inherited() {}
