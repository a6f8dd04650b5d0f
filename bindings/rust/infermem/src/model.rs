//! Model files.

use crate::error::{filled, name as c_name, path as c_path, Result};
use crate::io::{self, Callback};
use crate::{sys, DType, ModelConfig, ModelLayer, ModelWeights, View};
use std::borrow::Cow;
use std::ffi::{CStr, OsStr};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

choices! {
    /// What a model was read from.
    Format: i32 {
        /// GGUF, in one file or several.
        Gguf = INFERMEM_FORMAT_GGUF,
        /// safetensors, in one file or several.
        Safetensors = INFERMEM_FORMAT_SAFETENSORS,
        /// A config.json alone: there are no tensors.
        Config = INFERMEM_FORMAT_CONFIG,
    }
}

flags! {
    /// Flags of opening a model.
    ModelFlags {
        /// Tensor data is not mapped: there are no views of tensors.
        NO_DATA = INFERMEM_MODEL_NO_DATA,
    }
}

/// How a model is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelOptions {
    /// What is done otherwise.
    pub flags: ModelFlags,
}

impl ModelOptions {
    fn to_c(self) -> sys::infermem_model_options {
        sys::infermem_model_options { flags: self.flags.bits(), ..Default::default() }
    }
}

/// What the file says of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorInfo<'m> {
    /// Of GGUF it need not be valid UTF-8.
    pub name: &'m [u8],
    /// Of its elements: a number of the file's.
    pub dtype: DType,
    /// Dimensions, 1 to 4.
    pub n_dims: usize,
    /// Elements, from the slowest dimension to the fastest; 1 from `n_dims` on.
    pub shape: [u64; sys::INFERMEM_MAX_DIMS as usize],
    /// Their product.
    pub elements: u64,
    /// Bytes from the start of the file to the data.
    pub offset: u64,
    /// Bytes of the data.
    pub bytes: u64,
    /// Whether the type is not known; in GGUF the bytes then reach to the next tensor.
    pub is_inferred: bool,
    /// The number of the file.
    pub part: u32,
}

impl TensorInfo<'_> {
    /// The name as text, with replacements for what is not UTF-8.
    pub fn name_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.name)
    }
}

handle! {
    /// An open model: its metadata, its tensors, and the numbers that memory depends on.
    ///
    /// ```no_run
    /// # use infermem::{Model, ModelOptions};
    /// let model = Model::open("llama.gguf", &ModelOptions::default())?;
    /// for tensor in model.tensors() {
    ///     println!("{}: {} {:?}", tensor.name_text(), tensor.dtype, tensor.shape);
    /// }
    /// let weights = model.tensor("blk.0.ffn_up.weight")?; // no copy: the file's own pages
    /// println!("{} bytes", weights.bytes().len());
    /// # Ok::<(), infermem::Error>(())
    /// ```
    ///
    /// Views of tensors do not outlive it:
    ///
    /// ```compile_fail,E0505
    /// # use infermem::{Model, ModelOptions};
    /// # let model = Model::open("llama.gguf", &ModelOptions::default()).unwrap();
    /// let weights = model.tensor("blk.0.ffn_up.weight").unwrap();
    /// drop(model);
    /// weights.bytes();
    /// ```
    Model, infermem_model, model_free
}

impl Model {
    /// Opens a GGUF or safetensors file, an index of several, a config.json, or a directory with these. Tensor data is
    /// mapped, not read: files must not be changed meanwhile, and bytes that another process cuts off fault when they are
    /// touched, which `NO_DATA` rules out.
    pub fn open(path: impl AsRef<Path>, options: &ModelOptions) -> Result<Self> {
        let path = c_path("model_open", path.as_ref())?;
        Self::made(|out| unsafe { sys::model_open(path.as_ptr(), &options.to_c(), out) })
    }

    /// Opens a model whose file is not on disk, from its first bytes, among which all its metadata are. `file_size` is of
    /// the whole file; 0 means that these are all.
    pub fn from_bytes(bytes: &[u8], file_size: u64, options: &ModelOptions) -> Result<Self> {
        let (data, n) = (bytes.as_ptr().cast(), bytes.len());
        // The bytes are not kept.
        Self::made(|out| unsafe { sys::model_open_bytes(data, n, file_size, &options.to_c(), out) })
    }

    /// The same through a function that reads at an offset, and tells how much it read: 0 where the file has ended.
    ///
    /// ```
    /// # use infermem::{Code, Model, ModelOptions};
    /// let read = |_offset: u64, out: &mut [u8]| { out.fill(0); Ok(out.len()) };
    /// let error = Model::from_reader(read, 1 << 20, &ModelOptions::default()).unwrap_err();
    /// assert_eq!(error.code(), Code::Format);
    /// ```
    pub fn from_reader<F>(read_at: F, file_size: u64, options: &ModelOptions) -> Result<Self>
    where
        F: FnMut(u64, &mut [u8]) -> std::io::Result<usize>,
    {
        let mut raw = std::ptr::null_mut();
        // The function is called during the call alone.
        Callback::during(read_at, |context| unsafe {
            sys::model_open_callback(Some(io::read_at::<F>), context, file_size, &options.to_c(), &mut raw)
        })?;
        Self::made(|out| {
            // A handle that was made, or NULL, which is refused.
            unsafe { *out = raw };
            sys::INFERMEM_OK
        })
    }

    /// What it was read from.
    pub fn format(&self) -> Format {
        Format::from_number(unsafe { sys::model_format(self.as_ptr()) })
    }

    /// The files that the tensors are in, as they were opened.
    pub fn parts(&self) -> impl Iterator<Item = &Path> + '_ {
        let n = unsafe { sys::model_part_count(self.as_ptr()) };
        (0..n).filter_map(|i| {
            // It lives as long as the model.
            let path = unsafe { self.text(sys::model_part_path(self.as_ptr(), i)) }?;
            Some(Path::new(OsStr::from_bytes(path.to_bytes())))
        })
    }

    /// What is odd in a file but no error: sentences.
    pub fn warnings(&self) -> impl Iterator<Item = &str> + '_ {
        let n = unsafe { sys::model_warning_count(self.as_ptr()) };
        // They live as long as the model.
        (0..n).filter_map(|i| unsafe { self.text(sys::model_warning(self.as_ptr(), i)) }?.to_str().ok())
    }

    /// # Safety
    ///
    /// NULL, or a text that lives as long as the model.
    unsafe fn text(&self, text: *const std::os::raw::c_char) -> Option<&CStr> {
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
    }

    /// The numbers that memory depends on; to be validated before anything is computed from them.
    pub fn config(&self) -> Result<ModelConfig> {
        filled(|out| unsafe { sys::model_config(self.as_ptr(), out) }).map(ModelConfig::from)
    }

    /// A layer.
    pub fn layer(&self, index: u64) -> Result<ModelLayer> {
        filled(|out| unsafe { sys::model_layer(self.as_ptr(), index, out) }).map(ModelLayer::from)
    }

    /// All of them.
    pub fn layers(&self) -> impl Iterator<Item = ModelLayer> + '_ {
        (0..).map_while(|i| self.layer(i).ok())
    }

    /// The weights.
    pub fn weights(&self) -> Result<ModelWeights> {
        filled(|out| unsafe { sys::model_weights(self.as_ptr(), out) }).map(ModelWeights::from)
    }

    /// How many tensors there are.
    pub fn tensor_count(&self) -> usize {
        unsafe { sys::model_tensor_count(self.as_ptr()) }
    }

    /// What the file says of a tensor, in its order.
    pub fn tensor_info(&self, index: usize) -> Result<TensorInfo<'_>> {
        let raw = filled(|out| unsafe { sys::model_tensor_info(self.as_ptr(), index, out) })?;
        Ok(TensorInfo {
            // It lives as long as the model.
            name: unsafe { std::slice::from_raw_parts(raw.name.cast(), raw.name_length) },
            dtype: DType(raw.dtype),
            n_dims: raw.n_dims as usize,
            shape: raw.shape,
            elements: raw.elements,
            offset: raw.offset,
            bytes: raw.bytes,
            is_inferred: raw.is_inferred != 0,
            part: raw.part,
        })
    }

    /// All of them.
    pub fn tensors(&self) -> impl Iterator<Item = TensorInfo<'_>> + '_ {
        (0..self.tensor_count()).filter_map(|i| self.tensor_info(i).ok())
    }

    /// The index of the tensor of that name.
    pub fn tensor_find(&self, name: impl AsRef<[u8]>) -> Result<usize> {
        let name = c_name("model_tensor_find", name.as_ref())?;
        filled(|out| unsafe { sys::model_tensor_find(self.as_ptr(), name.as_ptr(), out) })
    }

    /// The data of a tensor, in the mapped file.
    pub fn tensor_view(&self, index: usize) -> Result<View<'_>> {
        // The map lives as long as the model, and is read-only.
        filled(|out| unsafe { sys::model_tensor_view(self.as_ptr(), index, out) })
            .map(|raw| unsafe { View::from_raw(raw) })
    }

    /// The data of the tensor of that name.
    pub fn tensor(&self, name: impl AsRef<[u8]>) -> Result<View<'_>> {
        self.tensor_view(self.tensor_find(name)?)
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("format", &self.format()).field("tensors", &self.tensor_count()).finish()
    }
}
