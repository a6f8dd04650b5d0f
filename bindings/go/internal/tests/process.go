package tests

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	infermem "infermem.dev/go"
)

func devicesProbed(t *testing.T) {
	devices := made[*infermem.Devices](t)(infermem.ProbeDevices(infermem.DeviceOptions{
		Flags: infermem.DeviceNoCUDA | infermem.DeviceNoAMD}))
	defer devices.Close()
	want(t, "devices", devices.Count(), 0)
	want(t, "reason", made[int32](t)(devices.WhyNot()), infermem.DeviceWhyDisabled)
	if devices.WhyNotText() == "" {
		t.Fatal("no reason")
	}
	host := made[infermem.HostFacts](t)(devices.Host())
	if host.Known&infermem.HostTotal == 0 || host.TotalBytes == 0 {
		t.Fatal(host)
	}
	_, err := devices.Device(0)
	wantCode(t, err, infermem.ErrRange)
	root := made[*infermem.Devices](t)(infermem.ProbeDevices(infermem.DeviceOptions{CUDAPath: "/no/such/cuda.so",
		NVMLPath: "/no/such/nvml.so", Root: "/no/such/root"}))
	defer root.Close()
	want(t, "what is known of no host", made[infermem.HostFacts](t)(root.Host()).Known&infermem.HostTotal, 0)
	want(t, "reason", made[int32](t)(root.WhyNot()), infermem.DeviceWhyNoDriver)
	_, err = infermem.ProbeDevices(infermem.DeviceOptions{Root: "relative"})
	wantCode(t, err, infermem.ErrArg)
}

func dtypes(t *testing.T) {
	want(t, "name", infermem.DTypeQ4_0.String(), "Q4_0")
	want(t, "name", infermem.DType(1000).String(), "unknown")
	elements, size, err := infermem.DTypeQ4_0.Block()
	must(t, err)
	want(t, "elements", elements, 32)
	want(t, "bytes", size, 18)
	want(t, "bytes of all", made[uint64](t)(infermem.DTypeQ4_0.Bytes(64)), 36)
	_, err = infermem.DTypeQ4_0.Bytes(33)
	wantCode(t, err, infermem.ErrShape)
	_, _, err = infermem.DType(1000).Block()
	wantCode(t, err, infermem.ErrType)
	want(t, "version", infermem.Version(),
		uint32(infermem.VersionMajor<<16|infermem.VersionMinor<<8|infermem.VersionPatch))
	want(t, "version", infermem.VersionText(), infermem.VersionString)
}

func simdChosen(t *testing.T) {
	names := infermem.SIMDAvailable()
	want(t, "plainest", names[0], "reference")
	must(t, infermem.SelectSIMD("reference"))
	want(t, "chosen", infermem.SIMDName(), "reference")
	must(t, infermem.SelectSIMD(""))
	want(t, "fastest", infermem.SIMDName(), names[len(names)-1])
	wantCode(t, infermem.SelectSIMD("abacus"), infermem.ErrNotFound)
}

// logLines has a process of its own, in which the first use of a kernel finds an instruction set that there is not.
func logLines(t *testing.T) {
	const variable = "INFERMEM_GO_TEST_LOG"
	if os.Getenv(variable) == "" {
		child := exec.Command(os.Args[0], "-test.run=^Test$/^log_lines_arrive$")
		child.Env = append(os.Environ(), variable+"=1", "INFERMEM_SIMD=abacus")
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	var lines []string
	must(t, infermem.SetLog(infermem.LogDebug, func(level int, message string) {
		if level == infermem.LogWarn {
			lines = append(lines, message)
		}
		panic("which ends here")
	}))
	q := matrixOf(t, nil)
	defer q.Close()
	if len(lines) != 1 || !strings.Contains(lines[0], "abacus") {
		t.Fatal(lines)
	}
	must(t, infermem.SetLog(infermem.LogDebug, nil))
	wantCode(t, infermem.SetLog(99, nil), infermem.ErrArg)
}
