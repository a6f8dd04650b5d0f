package infermem

import "unsafe"

// MetaInfo is what a file says of a metadata value (infermem_meta_info).
type MetaInfo struct {
	Key         string
	Type        uint32 // MetaU8, …
	ElementType uint32 // of an array, else the same as Type
	Count       uint64 // of an array, else 1
}

// MetaCount is how many metadata values the model has (model_meta_count).
func (m *Model) MetaCount() int { return int(asked(m.own, model_meta_count)) }

// Meta is what the file says of one (model_meta_info).
func (m *Model) Meta(index int) (info MetaInfo, err error) {
	raw := sized(&infermem_meta_info{})
	err = check(m.own, func() int32 {
		code := model_meta_info(m.own.get(), uint(index), raw)
		if code == 0 {
			info = MetaInfo{string(unsafe.Slice(raw.Key, raw.KeyLength)), raw.Type, raw.ElementType, raw.Count}
		}
		return code
	})
	return info, err
}

// FindMeta is the index of the value of that key (model_meta_find).
func (m *Model) FindMeta(key string) (int, error) {
	return m.find("model_meta_find", model_meta_find, key)
}

// meta is the value of a key by one of the library's functions.
func meta[T any](m *Model, function string, call func(*infermem_model, *byte, *T) int32, key string) (value T, err error) {
	p, err := cString(function, key)
	if err != nil {
		return value, err
	}
	err = check(m.own, func() int32 { return call(m.own.get(), p, &value) })
	return value, err
}

// MetaUint64 is the value of an integer (model_meta_u64).
func (m *Model) MetaUint64(key string) (uint64, error) {
	return meta(m, "model_meta_u64", model_meta_u64, key)
}

// MetaInt64 is the value of an integer, signed (model_meta_i64).
func (m *Model) MetaInt64(key string) (int64, error) {
	return meta(m, "model_meta_i64", model_meta_i64, key)
}

// MetaFloat64 is the value of a float (model_meta_f64).
func (m *Model) MetaFloat64(key string) (float64, error) {
	return meta(m, "model_meta_f64", model_meta_f64, key)
}

// MetaBool is the value of a bool (model_meta_bool).
func (m *Model) MetaBool(key string) (bool, error) {
	value, err := meta(m, "model_meta_bool", model_meta_bool, key)
	return value != 0, err
}

// MetaString is the value of a string, copied (model_meta_string).
func (m *Model) MetaString(key string) (value string, err error) {
	p, err := cString("model_meta_string", key)
	if err != nil {
		return "", err
	}
	var out *byte
	var length uint
	err = check(m.own, func() int32 {
		code := model_meta_string(m.own.get(), p, &out, &length)
		if code == 0 {
			value = string(unsafe.Slice(out, length))
		}
		return code
	})
	return value, err
}

// elementsOf reads elements of an array into out.
func elementsOf[T any](m *Model, function string, call func(*infermem_model, *byte, uint64, uint, *T) int32, key string,
	from uint64, out []T) error {
	p, err := cString(function, key)
	if err != nil {
		return err
	}
	return check(m.own, func() int32 { return call(m.own.get(), p, from, uint(len(out)), first(out)) })
}

// MetaUint64s reads elements of an array of integers or bools, from one on, as many as out has (model_meta_array_u64).
func (m *Model) MetaUint64s(key string, from uint64, out []uint64) error {
	return elementsOf(m, "model_meta_array_u64", model_meta_array_u64, key, from, out)
}

// MetaInt64s is the same, signed (model_meta_array_i64).
func (m *Model) MetaInt64s(key string, from uint64, out []int64) error {
	return elementsOf(m, "model_meta_array_i64", model_meta_array_i64, key, from, out)
}

// MetaFloat64s is the same of floats (model_meta_array_f64).
func (m *Model) MetaFloat64s(key string, from uint64, out []float64) error {
	return elementsOf(m, "model_meta_array_f64", model_meta_array_f64, key, from, out)
}

// MetaStrings reads n strings of an array, from one on (model_meta_array_strings).
func (m *Model) MetaStrings(key string, from uint64, n int) ([]string, error) {
	p, err := cString("model_meta_array_strings", key)
	if err != nil {
		return nil, err
	}
	var length uint
	var buffer []byte
	read := func(offsets *uint) error {
		return check(m.own, func() int32 {
			return model_meta_array_strings(m.own.get(), p, from, uint(n), first(buffer), uint(len(buffer)), offsets,
				&length)
		})
	}
	if err := read(nil); err != nil || length == 0 {
		return nil, err
	}
	buffer = make([]byte, length)
	offsets := make([]uint, n+1)
	if err := read(&offsets[0]); err != nil {
		return nil, err
	}
	texts := make([]string, n)
	for i := range texts {
		texts[i] = string(buffer[offsets[i] : offsets[i+1]-1])
	}
	return texts, nil
}
