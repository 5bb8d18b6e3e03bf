//! An HTTP/1.1 server that does what a test tells it, misbehaviour included, and remembers what it was asked.

mod reply;
mod request;
mod server;
mod tls;

pub use reply::Reply;
pub use request::Request;
pub use server::Server;
pub use tls::{Authority, Identity};

pub(super) use request::read_head;
