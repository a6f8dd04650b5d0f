package infermem

import (
	"io"
	"runtime"
	"unsafe"
)

// Model is an open model file (infermem_model).
type Model struct{ own *owner[infermem_model] }

// TensorInfo is what a file says of a tensor (infermem_tensor_info).
type TensorInfo struct {
	Name       string
	DType      DType
	Shape      []uint64 // elements, from the slowest dimension to the fastest
	Elements   uint64
	Offset     uint64 // bytes from the start of the file
	Bytes      uint64
	IsInferred bool
	Part       int // the number of the file
}

func newModel(out *infermem_model) *Model { return &Model{own(out, model_free)} }

// OpenModel opens a model; flags are 0 or ModelNoData (model_open).
func OpenModel(path string, flags uint32) (*Model, error) {
	p, err := cString("model_open", path)
	if err != nil {
		return nil, err
	}
	var out *infermem_model
	options := sized(&ModelOptions{Flags: flags})
	if err := check(nil, func() int32 { return model_open(p, options, &out) }); err != nil {
		return nil, err
	}
	return newModel(out), nil
}

// OpenModelBytes opens a model from its first bytes, which are not kept; fileSize 0 means that they are all
// (model_open_bytes).
func OpenModelBytes(bytes []byte, fileSize uint64) (*Model, error) {
	var out *infermem_model
	err := check(nil, func() int32 {
		return model_open_bytes(firstByte(bytes), uint(len(bytes)), fileSize, nil, &out)
	})
	if err != nil {
		return nil, err
	}
	return newModel(out), nil
}

// OpenModelReader opens a model through a reader, which is not used after that (model_open_callback).
func OpenModelReader(r io.ReaderAt, fileSize uint64) (*Model, error) {
	var out *infermem_model
	err := through(&stream{readerAt: r}, nil, func(context unsafe.Pointer) int32 {
		return model_open_callback(readAtFunction(), context, fileSize, nil, &out)
	})
	if err != nil {
		return nil, err
	}
	return newModel(out), nil
}

// Close closes the files; views of the tensors end with it (model_free).
func (m *Model) Close() error {
	m.own.close()
	return nil
}

// Format is FormatGGUF, … (model_format).
func (m *Model) Format() int32 { return asked(m.own, model_format) }

// Parts is the paths of the files, "" of one that is not on disk (model_part_count, model_part_path).
func (m *Model) Parts() []string { return m.texts(model_part_count, model_part_path) }

// Warnings is what is odd in the file (model_warning_count, model_warning).
func (m *Model) Warnings() []string { return m.texts(model_warning_count, model_warning) }

func (m *Model) texts(count func(*infermem_model) uint, get func(*infermem_model, uint) *byte) (texts []string) {
	defer runtime.KeepAlive(m.own)
	for i := uint(0); i < count(m.own.get()); i++ {
		texts = append(texts, goString(get(m.own.get(), i)))
	}
	return texts
}

// Config is the numbers that memory depends on (model_config).
func (m *Model) Config() (config ModelConfig, err error) {
	err = check(m.own, func() int32 { return model_config(m.own.get(), sized(&config)) })
	return config, err
}

// Layer is one layer (model_layer).
func (m *Model) Layer(index uint64) (layer ModelLayer, err error) {
	err = check(m.own, func() int32 { return model_layer(m.own.get(), index, sized(&layer)) })
	return layer, err
}

// Weights is the weights of all of it (model_weights).
func (m *Model) Weights() (weights ModelWeights, err error) {
	err = check(m.own, func() int32 { return model_weights(m.own.get(), sized(&weights)) })
	return weights, err
}

// Validate tells whether the configuration can be computed with (infermem_config_validate).
func (c ModelConfig) Validate() error {
	return check(nil, func() int32 { return infermem_config_validate(sized(&c)) })
}

// Layer is what a layer is by the configuration alone (infermem_config_layer).
func (c ModelConfig) Layer(index uint64) (layer ModelLayer, err error) {
	err = check(nil, func() int32 { return infermem_config_layer(sized(&c), index, sized(&layer)) })
	return layer, err
}

// Weights is the weights by the configuration alone (infermem_config_weights).
func (c ModelConfig) Weights() (weights ModelWeights, err error) {
	err = check(nil, func() int32 { return infermem_config_weights(sized(&c), sized(&weights)) })
	return weights, err
}

// TensorCount is how many tensors the model has (model_tensor_count).
func (m *Model) TensorCount() int { return int(asked(m.own, model_tensor_count)) }

// Tensor is what the file says of one (model_tensor_info).
func (m *Model) Tensor(index int) (info TensorInfo, err error) {
	raw := sized(&infermem_tensor_info{})
	err = check(m.own, func() int32 {
		code := model_tensor_info(m.own.get(), uint(index), raw)
		if code == 0 {
			info.Name = string(unsafe.Slice(raw.Name, raw.NameLength))
		}
		return code
	})
	if err != nil {
		return info, err
	}
	info.DType, info.Elements, info.Offset, info.Bytes = raw.DType, raw.Elements, raw.Offset, raw.Bytes
	info.Shape = append(info.Shape, raw.Shape[:raw.NDims]...)
	info.IsInferred, info.Part = raw.IsInferred != 0, int(raw.Part)
	return info, nil
}

// FindTensor is the index of the tensor of that name (model_tensor_find).
func (m *Model) FindTensor(name string) (int, error) {
	return m.find("model_tensor_find", model_tensor_find, name)
}

func (m *Model) find(function string, call func(*infermem_model, *byte, *uint) int32, name string) (int, error) {
	p, err := cString(function, name)
	if err != nil {
		return 0, err
	}
	var index uint
	err = check(m.own, func() int32 { return call(m.own.get(), p, &index) })
	return int(index), err
}

// TensorView shows a tensor's data where the file is mapped (model_tensor_view).
func (m *Model) TensorView(index int) (*View, error) {
	return viewed(m.own, func(out *infermem_view) int32 { return model_tensor_view(m.own.get(), uint(index), out) })
}
