package infermem

import "runtime"

// Devices is what a probe found (infermem_device_list).
type Devices struct{ own *owner[infermem_device_list] }

// DeviceOptions is how to probe; zero in any field means the default.
type DeviceOptions struct {
	Flags                    uint32 // DeviceNoCUDA, …
	CUDAPath, NVMLPath, Root string
}

// ProbeDevices looks for devices, now (device_probe).
func ProbeDevices(options DeviceOptions) (*Devices, error) {
	raw := sized(&infermem_device_options{Flags: options.Flags})
	for _, path := range []struct {
		value string
		field **byte
	}{{options.CUDAPath, &raw.CUDAPath}, {options.NVMLPath, &raw.NVMLPath}, {options.Root, &raw.Root}} {
		if path.value == "" {
			continue
		}
		if _, err := cString("device_probe", path.value); err != nil {
			return nil, err
		}
		p, free := copied(append([]byte(path.value), 0))
		defer free()
		*path.field = p
	}
	var out *infermem_device_list
	if err := check(nil, func() int32 { return device_probe(raw, &out) }); err != nil {
		return nil, err
	}
	return &Devices{own(out, device_free)}, nil
}

// Close frees the list (device_free).
func (d *Devices) Close() error {
	d.own.close()
	return nil
}

// Count is how many devices there are (device_count).
func (d *Devices) Count() int { return int(asked(d.own, device_count)) }

// Device is one of them (device_info).
func (d *Devices) Device(index int) (facts DeviceFacts, err error) {
	err = check(d.own, func() int32 { return device_info(d.own.get(), uint(index), sized(&facts)) })
	return facts, err
}

// Host is the host's memory (device_host).
func (d *Devices) Host() (facts HostFacts, err error) {
	err = check(d.own, func() int32 { return device_host(d.own.get(), sized(&facts)) })
	return facts, err
}

// WhyNot is why there are none: DeviceWhyNone where there are, … (device_why_not).
func (d *Devices) WhyNot() (code int32, err error) {
	err = check(d.own, func() int32 { return device_why_not(d.own.get(), &code) })
	return code, err
}

// WhyNotText is the same as a sentence (device_why_not_text).
func (d *Devices) WhyNotText() string {
	defer runtime.KeepAlive(d.own)
	return goString(device_why_not_text(d.own.get()))
}
