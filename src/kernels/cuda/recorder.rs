//! Calls recorded as a CUDA graph, which starts with one call on any stream.

use super::error::CudaError;
use cudarc::driver::{CudaContext, CudaGraph, CudaStream, DriverError, result, sys};
use std::sync::Arc;

/// A stream on which nothing runs but recordings.
///
/// candle's stream would do, but while it is recorded no other thread may use the device's default stream, as libraries
/// do when they are loaded; that one does not wait for this one.
pub(super) struct Recorder(Arc<CudaStream>);

impl Recorder {
    /// The context must be the thread's current one.
    pub fn new(context: &Arc<CudaContext>) -> Result<Self, DriverError> {
        let stream = result::stream::create(result::stream::StreamKind::NonBlocking)?;
        // Not by `CudaContext::new_stream`: with a second stream cudarc records two events for each tensor and each use.
        // SAFETY: the stream is new, of this context, and destroyed only with the recorder; no work is ever on it.
        Ok(Self(unsafe { context.wrap_borrowed_stream(stream) }))
    }

    /// What `calls` starts on the stream that it is given. Nothing of it has run then.
    pub fn record(&self, calls: impl FnOnce(&CudaStream) -> Result<(), CudaError>) -> Result<Graph, CudaError> {
        // What other threads do meanwhile is no part of it, and not forbidden to them.
        self.0.begin_capture(sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)?;
        let called = calls(&self.0);
        // The recording must end, whatever came of it.
        let graph = self.0.end_capture(sys::CUgraphInstantiate_flags(0));
        called?;
        graph?.map(Graph).ok_or_else(|| CudaError::Program("the recording is empty".into()))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and no work is on it. An error here has nobody to go to.
        let _ = unsafe { result::stream::destroy(self.0.cu_stream()) };
    }
}

/// Recorded calls.
pub(super) struct Graph(CudaGraph);

impl Graph {
    /// # Safety
    /// What the calls read and write must be there until `stream` has run them.
    pub unsafe fn launch(&self, stream: &CudaStream) -> Result<(), DriverError> {
        // SAFETY: the graph lives; the rest is the caller's word.
        unsafe { result::graph::launch(self.0.cu_graph_exec(), stream.cu_stream()) }
    }
}
