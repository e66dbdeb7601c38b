/* SPDX-License-Identifier: MIT */
#include "cli/export.h"

#include "cli/command.h"
#include "cli/report.h"

void export_metrics(const struct exporter *exporter, FILE *out, bool open)
{
	enum rawcache_reason reason = RAWCACHE_REASON_none;
	struct sample sample;

	if (sample_try(exporter->target, &sample, &reason)) {
		report_prometheus_down(out, reason, open);
		return;
	}
	report_prometheus(out, &sample, open);
	sample_free(&sample);
}

int export_page(struct exporter *exporter, FILE *out)
{
	struct page page = {
		.target = exporter->target,
		.history = &exporter->history,
		.period = "since the image was made; over time, since the exporter runs"
	};
	struct sample sample;
	int status = sample_take(exporter->target, &sample);

	if (status != GO_ON)
		return status;
	page.sample = &sample;
	page.stats = sample.total;
	pthread_mutex_lock(&exporter->lock);
	history_note(&exporter->history, &sample);
	status = page_write(out, &page);
	pthread_mutex_unlock(&exporter->lock);
	sample_free(&sample);
	return status;
}

void export_note(struct exporter *exporter)
{
	enum rawcache_reason reason;
	struct sample sample;

	if (sample_try(exporter->target, &sample, &reason))
		return;
	pthread_mutex_lock(&exporter->lock);
	history_note(&exporter->history, &sample);
	pthread_mutex_unlock(&exporter->lock);
	sample_free(&sample);
}
