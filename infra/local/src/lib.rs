//! The local stack: `template.yaml`, run on one machine.
//!
//! `template` says what there is, `aws` answers the SDK clients, `functions` invokes handlers, `gateway` is the
//! WebSocket and HTTP door, `events` carries records from streams, queues and schedules to functions. Nothing here but `registry`
//! knows a Callboard message: change the template and this changes with it.

pub mod aws;
pub mod events;
pub mod functions;
pub mod gateway;
pub mod registry;
pub mod stack;
pub mod template;

/// All that a call goes through allocates in this one process, from many threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
