/* SPDX-License-Identifier: MIT */
/* The server of the command, built without libmicrohttpd. */
#include "cli/export.h"
int main(void)
{
	return export_serve(NULL, "127.0.0.1:0");
}
