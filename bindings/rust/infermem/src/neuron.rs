//! Which neurons of a layer do the work.

use crate::error::{check, filled, path as c_path, Result};
use crate::{sys, Place};
use std::fmt;
use std::path::Path;

flags! {
    /// Flags of activation counts.
    NeuronFlags {
        /// An index out of range is an error, where else it is skipped and counted.
        STRICT = INFERMEM_NEURON_STRICT,
    }
}

/// How activation counts are made.
#[derive(Clone, Debug, Default)]
pub struct NeuronOptions<'t> {
    /// Layers; 0 means 1.
    pub n_layers: u32,
    /// Neurons of each layer, more than 0.
    pub n_neurons: u32,
    /// 0 to 1: the share of a layer's events from which on a neuron is hot; with 0 a neuron is hot once it was active.
    pub threshold: f32,
    /// Events of a layer from one classification of it to the next; 0 means 1000.
    pub interval: u32,
    /// What they are like.
    pub flags: NeuronFlags,
    /// Events of a layer in which what was counted comes to count half; 0: it counts for ever.
    pub half_life: u32,
    /// As many neurons of a layer are hot, the most active. This, the next two and `threshold` exclude each other.
    pub budget_count: u32,
    /// The same as a share of the neurons.
    pub budget_fraction: f32,
    /// The same as bytes, with `row_bytes`.
    pub budget_bytes: u64,
    /// Bytes of a neuron's weights; with `budget_bytes`, else 0.
    pub row_bytes: u64,
    /// 0 to 1: by what share of itself the count of a hot neuron is taken for more.
    pub hysteresis: f32,
    /// Where counts and lists are stored.
    pub tape: Place<'t>,
}

told! {
    /// The state of one layer.
    NeuronCounts, infermem_neuron_counts {
        /// Hot by the last classification.
        pub n_hot: u64,
        /// The others.
        pub n_cold: u64,
        /// Calls that recorded something about the layer.
        pub events: u64,
        /// Indices skipped.
        pub out_of_range: u64,
        /// Automatic ones and those asked for.
        pub reclassifications: u64,
        /// n_hot / n_neurons.
        pub hot_ratio: f64,
        /// Activations skipped because they were NaN.
        pub nans: u64,
    }
}

handle! {
    /// Activation counts of the layers of a model, which sort neurons into hot and cold.
    ///
    /// ```
    /// # use infermem::{Neurons, NeuronOptions};
    /// let mut neurons = Neurons::new(&NeuronOptions { n_neurons: 4, threshold: 0.5, ..Default::default() })?;
    /// neurons.record(0, &[1, 3])?; // once a layer and pass
    /// neurons.record(0, &[3])?;
    /// neurons.record(0, &[3])?;
    /// neurons.reclassify(0)?;
    /// assert_eq!(neurons.hot(0)?, [1, 3]);
    /// # Ok::<(), infermem::Error>(())
    /// ```
    ///
    /// ```compile_fail,E0502
    /// # use infermem::{Neurons, NeuronOptions};
    /// # let mut neurons = Neurons::new(&NeuronOptions { n_neurons: 4, ..Default::default() }).unwrap();
    /// let hot = neurons.hot(0).unwrap();
    /// neurons.reclassify(0).unwrap();
    /// println!("{hot:?}");
    /// ```
    Neurons<'t>, infermem_neuron, neuron_free
}

impl<'t> Neurons<'t> {
    /// Makes the counts, all zero.
    pub fn new(options: &NeuronOptions<'t>) -> Result<Self> {
        let options = sys::infermem_neuron_options {
            n_layers: options.n_layers,
            n_neurons: options.n_neurons,
            threshold: options.threshold,
            interval: options.interval,
            flags: options.flags.bits(),
            half_life: options.half_life,
            budget_count: options.budget_count,
            budget_fraction: options.budget_fraction,
            budget_bytes: options.budget_bytes,
            row_bytes: options.row_bytes,
            hysteresis: options.hysteresis,
            tape: options.tape.tape,
            ..Default::default()
        };
        // The tape outlives the counts.
        Self::made(|out| unsafe { sys::neuron_new(&options, out) })
    }

    /// Records one activation event of a layer: the neurons that were active in one pass.
    #[inline]
    pub fn record(&mut self, layer: usize, active: &[u32]) -> Result<()> {
        check(unsafe { sys::neuron_record(self.as_ptr(), layer, active.as_ptr(), active.len()) })
    }

    /// The same of a mask: bit i % 8 of byte i / 8 tells whether neuron i was active.
    #[inline]
    pub fn record_mask(&mut self, layer: usize, mask: &[u8]) -> Result<()> {
        check(unsafe { sys::neuron_record_mask(self.as_ptr(), layer, mask.as_ptr(), mask.len()) })
    }

    /// The same of the activations themselves: a neuron was active where the magnitude of its value is above the cutoff.
    #[inline]
    pub fn record_values(&mut self, layer: usize, values: &[f32], cutoff: f32) -> Result<()> {
        check(unsafe { sys::neuron_record_values(self.as_ptr(), layer, values.as_ptr(), values.len(), cutoff) })
    }

    /// Sorts a layer's neurons into hot and cold now.
    pub fn reclassify(&mut self, layer: usize) -> Result<()> {
        check(unsafe { sys::neuron_reclassify(self.as_ptr(), layer) })
    }

    /// The hot neurons of a layer by its last classification, in ascending order.
    #[inline]
    pub fn hot(&self, layer: usize) -> Result<&[u32]> {
        self.list(|out, n| unsafe { sys::neuron_hot(self.as_ptr(), layer, out, n) })
    }

    /// The cold neurons, all that are not hot.
    pub fn cold(&self, layer: usize) -> Result<&[u32]> {
        self.list(|out, n| unsafe { sys::neuron_cold(self.as_ptr(), layer, out, n) })
    }

    #[inline]
    fn list(&self, call: impl FnOnce(*mut *const u32, *mut usize) -> i32) -> Result<&[u32]> {
        let (mut out, mut n) = (std::ptr::null(), 0);
        check(call(&mut out, &mut n))?;
        if n == 0 {
            return Ok(&[]);
        }
        // They stay as they are until a call that takes the counts exclusively.
        Ok(unsafe { std::slice::from_raw_parts(out, n) })
    }

    /// Whether the last classification found the neuron hot.
    pub fn is_hot(&self, layer: usize, index: u32) -> bool {
        unsafe { sys::neuron_is_hot(self.as_ptr(), layer, index) != 0 }
    }

    /// How often the neuron was active: count / events.
    pub fn frequency(&self, layer: usize, index: u32) -> f64 {
        unsafe { sys::neuron_frequency(self.as_ptr(), layer, index) }
    }

    /// The state of a layer.
    pub fn counts(&self, layer: usize) -> Result<NeuronCounts> {
        filled(|out| unsafe { sys::neuron_stat(self.as_ptr(), layer, out) }).map(NeuronCounts::from)
    }

    /// What share of all activations of a layer its most active neurons have, for each of some fractions of them.
    pub fn coverage(&self, layer: usize, fractions: &[f64]) -> Result<Vec<f64>> {
        let mut out = vec![0.0; fractions.len()];
        let (from, n) = (fractions.as_ptr(), fractions.len());
        check(unsafe { sys::neuron_coverage(self.as_ptr(), layer, from, n, out.as_mut_ptr()) })?;
        Ok(out)
    }

    /// Adds what others counted, and reclassifies all layers.
    pub fn merge(&mut self, others: &[&Neurons<'_>]) -> Result<()> {
        let others: Vec<_> = others.iter().map(|other| other.as_ptr() as *const _).collect();
        check(unsafe { sys::neuron_merge(self.as_ptr(), others.as_ptr(), others.len()) })
    }

    /// Writes everything there is to a file, whole or not at all.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = c_path("neuron_save", path.as_ref())?;
        check(unsafe { sys::neuron_save(self.as_ptr(), path.as_ptr()) })
    }

    /// Makes counts from a saved file, in the state that they were saved in.
    pub fn load(path: impl AsRef<Path>, place: Place<'t>) -> Result<Self> {
        let path = c_path("neuron_load", path.as_ref())?;
        let options = sys::infermem_neuron_options { tape: place.tape, ..Default::default() };
        // The tape outlives the counts.
        Self::made(|out| unsafe { sys::neuron_load(path.as_ptr(), &options, out) })
    }

    /// Forgets everything, in all layers.
    pub fn clear(&mut self) -> Result<()> {
        check(unsafe { sys::neuron_clear(self.as_ptr()) })
    }
}

impl fmt::Debug for Neurons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Neurons").finish_non_exhaustive()
    }
}
