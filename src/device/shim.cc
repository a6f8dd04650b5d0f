// The extern "C" functions of infermem/device.h.
#include "base/structs.hh"
#include "device/list.hh"

using namespace infermem;

extern "C" {

int32_t device_probe(const infermem_device_options *options, infermem_device_list **out) {
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options));
}

void device_free(infermem_device_list *list) { free_handle(list); }

size_t device_count(const infermem_device_list *list) { return is(list) ? list->core.count() : 0; }

int32_t device_info(const infermem_device_list *list, size_t index, infermem_device_facts *out) {
  INFERMEM_HANDLE(list);
  INFERMEM_NOT_NULL(out);
  infermem_device_facts facts;
  INFERMEM_STEP(list->core.device(index, &facts));
  INFERMEM_LEAVE(write_struct(facts, out, "out"));
}

int32_t device_host(const infermem_device_list *list, infermem_host_facts *out) {
  INFERMEM_HANDLE(list);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(write_struct(list->core.host(), out, "out"));
}

int32_t device_why_not(const infermem_device_list *list, int32_t *out_code) {
  INFERMEM_HANDLE(list);
  INFERMEM_NOT_NULL(out_code);
  *out_code = list->core.why().code;
  return INFERMEM_OK;
}

const char *device_why_not_text(const infermem_device_list *list) { return is(list) ? list->core.why().text : nullptr; }

}  // extern "C"
