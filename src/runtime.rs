//! The one async runtime, shared by all that opens sockets.

use std::io;
use std::sync::OnceLock;

/// A current-thread tokio runtime that is built when first needed.
///
/// Several threads may block on it at the same time: one of them drives sockets and timers for
/// all, and each polls its own future, which may therefore borrow from its caller.
#[derive(Debug, Default)]
pub struct Runtime {
    inner: OnceLock<tokio::runtime::Runtime>,
}

impl Runtime {
    /// A runtime that costs nothing until it is used.
    pub const fn new() -> Self {
        Self {
            inner: OnceLock::new(),
        }
    }

    /// Runs `future` to its end on this thread.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, RuntimeError> {
        if let Some(runtime) = self.inner.get() {
            return Ok(runtime.block_on(future));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|source| RuntimeError { source })?;
        // Two threads may come here together: the second one's runtime is dropped unused.
        Ok(self.inner.get_or_init(|| runtime).block_on(future))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // A look-up in the system's resolver runs on a thread of its own and cannot be
        // interrupted; an ordinary drop would wait for it, past the deadline.
        if let Some(runtime) = self.inner.take() {
            runtime.shutdown_background();
        }
    }
}

/// The operating system gave no poll or timer descriptor.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the network runtime")]
pub struct RuntimeError {
    source: io::Error,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn several_threads_block_at_once_and_borrow_from_their_callers() {
        let runtime = Runtime::new();
        let names: Vec<String> = (0..8).map(|n| n.to_string()).collect();
        let results: Vec<usize> = std::thread::scope(|scope| {
            let threads: Vec<_> = names
                .iter()
                .map(|name| {
                    scope.spawn(|| {
                        let work = async {
                            tokio::time::sleep(Duration::from_millis(5)).await;
                            name.len()
                        };
                        runtime.block_on(work).unwrap()
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(results, [1; 8]);
    }
}
