/* Prints number and name of every status that the library has a name for. */
#include <gatewire/gatewire.h>

#include <stdio.h>
#include <string.h>

int main(void) {
  for (gw_status status = -999; status < 100; ++status)
    if (strcmp(gw_status_name(status), "GW_ERR_UNKNOWN") != 0) printf("%d %s\n", status, gw_status_name(status));
  return 0;
}
