//! Which backend did the work, and how long it took.

use crate::error::{check, filled, length, name as c_name, text, Result};
use crate::sys;
use std::fmt;

/// The first of the two backends of an object that is made without options: the processor.
pub const BACKEND_CPU: u32 = sys::INFERMEM_DISPATCH_CPU;
/// The second of them.
pub const BACKEND_GPU: u32 = sys::INFERMEM_DISPATCH_GPU;

/// How dispatch metrics are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DispatchOptions {
    /// Backends; 0 means as many as there are names, or 2.
    pub n_backends: u32,
    /// A bucket is at most a resolution-th of its latencies wide, 10 to 1000; 0 means 100.
    pub resolution: u32,
    /// A name for each backend; empty means "CPU", "GPU", "backend2", ….
    pub names: Vec<String>,
}

told! {
    /// What one backend did. All but `dispatches` is about those whose latency was recorded, and 0 where none was.
    DispatchStats, infermem_dispatch_stats {
        /// With and without a latency.
        pub dispatches: u64,
        /// With one.
        pub latencies: u64,
        /// Of all latencies.
        pub sum_ns: u64,
        /// The least.
        pub min_ns: u64,
        /// The largest.
        pub max_ns: u64,
        /// The median.
        pub p50_ns: u64,
        /// The 90th percentile.
        pub p90_ns: u64,
        /// The 95th.
        pub p95_ns: u64,
        /// The 99th.
        pub p99_ns: u64,
        /// That of 99.9.
        pub p999_ns: u64,
        /// The mean.
        pub mean_ns: f64,
        /// Of all latencies as the population.
        pub variance_ns2: f64,
        /// Standard deviation.
        pub deviation_ns: f64,
        /// 100 * deviation_ns / mean_ns; 0 when the mean is below 1 ns.
        pub variation_percent: f64,
    }
}

/// When a piece of work began, by the system's monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Started(u64);

handle! {
    /// Counts and latencies by backend, recorded by many threads.
    ///
    /// ```
    /// # use infermem::{Dispatch, DispatchOptions, BACKEND_CPU};
    /// let metrics = Dispatch::new(&DispatchOptions::default())?;
    /// let started = Dispatch::start();
    /// // … work …
    /// metrics.stop(BACKEND_CPU, started)?;
    /// metrics.record(BACKEND_CPU, 1_000_000)?;
    /// assert_eq!(metrics.stats(BACKEND_CPU)?.max_ns, 1_000_000);
    /// # Ok::<(), infermem::Error>(())
    /// ```
    Dispatch, infermem_dispatch, dispatch_free
}

impl Dispatch {
    /// Makes an object that has recorded nothing.
    pub fn new(options: &DispatchOptions) -> Result<Self> {
        let names = options.names.iter().map(|name| c_name("dispatch_new", name.as_bytes()));
        let names = names.collect::<Result<Vec<_>>>()?;
        let pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
        let mut raw = sys::infermem_dispatch_options {
            n_backends: options.n_backends,
            resolution: options.resolution,
            ..Default::default()
        };
        if !pointers.is_empty() {
            if raw.n_backends == 0 {
                raw.n_backends = pointers.len() as u32;
            }
            length("dispatch_new", "names", raw.n_backends as usize, pointers.len())?;
            raw.names = pointers.as_ptr();
        }
        // The names are copied.
        Self::made(|out| unsafe { sys::dispatch_new(&raw, out) })
    }

    /// Records one dispatch and its latency in nanoseconds.
    #[inline]
    pub fn record(&self, backend: u32, latency_ns: i64) -> Result<()> {
        check(unsafe { sys::dispatch_record(self.as_ptr(), backend, latency_ns) })
    }

    /// Records one dispatch of which the latency is not known.
    #[inline]
    pub fn count_only(&self, backend: u32) -> Result<()> {
        check(unsafe { sys::dispatch_count_only(self.as_ptr(), backend) })
    }

    /// Now, for `stop`.
    #[inline]
    pub fn start() -> Started {
        Started(unsafe { sys::dispatch_timer_start() })
    }

    /// Records one dispatch whose latency is from then until now.
    #[inline]
    pub fn stop(&self, backend: u32, started: Started) -> Result<()> {
        check(unsafe { sys::dispatch_timer_stop(self.as_ptr(), backend, started.0) })
    }

    /// Forgets everything that was recorded, and starts the time anew.
    pub fn reset(&self) -> Result<()> {
        check(unsafe { sys::dispatch_reset(self.as_ptr()) })
    }

    /// What a backend did.
    pub fn stats(&self, backend: u32) -> Result<DispatchStats> {
        filled(|out| unsafe { sys::dispatch_snapshot(self.as_ptr(), backend, out) }).map(DispatchStats::from)
    }

    /// A backend's latencies between bounds: one number more than there are bounds.
    pub fn histogram(&self, backend: u32, bounds_ns: &[u64]) -> Result<Vec<u64>> {
        let mut out = vec![0; bounds_ns.len() + 1];
        let (bounds, n) = (bounds_ns.as_ptr(), bounds_ns.len());
        check(unsafe { sys::dispatch_histogram(self.as_ptr(), backend, bounds, n, out.as_mut_ptr()) })?;
        Ok(out)
    }

    /// The share of all dispatches that a backend did.
    pub fn ratio(&self, backend: u32) -> f64 {
        unsafe { sys::dispatch_ratio(self.as_ptr(), backend) }
    }

    /// How many times faster one backend is than another.
    pub fn speedup(&self, slow: u32, fast: u32) -> f64 {
        unsafe { sys::dispatch_speedup(self.as_ptr(), slow, fast) }
    }

    /// Nanoseconds since the object was made or reset.
    pub fn elapsed_ns(&self) -> u64 {
        unsafe { sys::dispatch_elapsed_ns(self.as_ptr()) }
    }

    /// Dispatches a second, of all backends.
    pub fn throughput(&self) -> f64 {
        unsafe { sys::dispatch_throughput(self.as_ptr()) }
    }

    /// All backends' figures in the text format of Prometheus.
    pub fn prometheus(&self) -> Result<String> {
        text(|buffer, capacity, length| unsafe { sys::dispatch_prometheus(self.as_ptr(), buffer, capacity, length) })
    }

    /// The same as JSON.
    pub fn json(&self) -> Result<String> {
        text(|buffer, capacity, length| unsafe { sys::dispatch_json(self.as_ptr(), buffer, capacity, length) })
    }
}

impl fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch").finish_non_exhaustive()
    }
}
