/* SPDX-License-Identifier: MIT */
/* The image's regions as a map: a cell for each, or for some neighbours where there are many. */
#include <time.h>

#include "cli/html.h"
#include "cli/page.h"
#include "cli/regions.h"
#include "cli/text.h"

#define COLUMNS 32     /* of CELL: as wide as the other pictures */
#define CELLS_MAX 512u /* 16 rows: each cell stands for several regions of larger images */
#define CELL 11.0      /* units of the viewBox; two are left between cells */

static void region_cell_draw(FILE *out, const struct regions_cell *cell, size_t place)
{
	static const char *const classes[] = {
		[REGIONS_FREE] = "free",    [REGIONS_ONCE] = "cache",
		[REGIONS_REREAD] = "main",  [REGIONS_WRITTEN] = "written",
		[REGIONS_EMPTIED] = "free", [REGIONS_BAD] = "bad",
	};
	double x = 4 + CELL * (double)(place % COLUMNS);
	double y = 4 + CELL * (double)(place / COLUMNS);
	char title[160];

	regions_tell(cell, title, sizeof(title));
	fprintf(out,
		"<rect class=\"%s%s\" fill-opacity=\"%.2f\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
		"height=\"%.1f\"><title>",
		classes[cell->kind], cell->held ? " held" : "", 1 - 0.65 * cell->age, x, y,
		CELL - 2, CELL - 2);
	html_text(out, title);
	fputs("</title></rect>\n", out);
}

static void legend_print(FILE *out)
{
	static const struct {
		const char *color, *text;
	} keys[] = {
		{ "cache", "read once" },      { "main", "read again" },
		{ "origin", "being written" }, { "line", "empty" },
		{ "bad", "failed" },	       { "ink", "framed: held by a mapping or a transfer" },
	};

	fputs("<p>", out);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		fprintf(out,
			"<span class=\"key\"><i style=\"background:var(--%s)\"></i>%s</span>\n",
			keys[i].color, keys[i].text);
	fputs("<span class=\"soft\">Paler is older.</span></p>\n", out);
}

void page_regions(FILE *out, const struct page *page)
{
	const struct holdings *h = &page->holdings;
	size_t cells = h->region_count < CELLS_MAX ? h->region_count : CELLS_MAX;
	int rows = (int)((cells + COLUMNS - 1) / COLUMNS);
	char cached[TEXT_LENGTH], size[TEXT_LENGTH];

	if (!cells)
		return;
	html_card_open(out, "The image, region by region", false);
	svg_open(out, 8 + (int)(CELL * COLUMNS), 8 + (int)(CELL * rows),
		 "map of the image's regions");
	for (size_t i = 0; i < cells; i++) {
		struct regions_cell cell = regions_cell_of(h->region, h->region_count, i, cells);

		region_cell_draw(out, &cell, i);
	}
	svg_close(out);
	legend_print(out);
	fputs("<p>", out);
	html_textf(out, "Files that are listed: %llu, with %s in the cache; a region has %s.",
		   (unsigned long long)h->files, text_bytes(h->cached, cached),
		   text_bytes(h->region[0].size, size));
	fputs("</p>\n", out);
	html_card_close(out);
}
