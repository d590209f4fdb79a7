//! Live feeds over real sockets of loopback, spoken to by plain senders and servers of the standard library.

mod captures;
mod hostile;
mod lines;
mod support;
