import type { Pool } from '@odometer/database/pool';

/** A month that has ended, for whatever is closed. */
export const CLOSED_MONTH = '2026-01';

const POSTHOC_METRIC = JSON.stringify({
  name: 'alb',
  engine: 'duckdb',
  eventType: 'requests',
  window: 'hour',
  sql: 'select project, value from logs where at >= :start and at < :end',
  source: {
    type: 'directory',
    path: '*.csv',
    format: { type: 'delimited', columns: ['at', 'project', 'value'] },
  },
});

/**
 * Two organizations with something of everything that can be asked for: `acme` with `acme/web`, and `globex` with
 * `globex/secret`, which a key of acme must not learn of.
 */
export async function seed(pool: Pool): Promise<void> {
  await pool.query(`
    insert into organizations (slug, name) values ('acme', 'Acme'), ('globex', null);
    insert into projects (organization_id, slug, created_at)
      select o.id, p.slug, now() - interval '3 days'
      from organizations o join (values ('acme', 'web'), ('globex', 'secret')) p (organization, slug)
        on p.organization = o.slug;
    insert into devices (project_id, slug, last_seen_at) select id, 'robot-1', now() from projects;
    insert into meters (id, slug, kind, unit, event_type, value_path, group_by, owner)
      values (1000, 'tokens', 'counter', 'token', 'tokens', '$.tokens', '{"model": "$.model"}', 'events');
    insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count, min, max, last, last_at)
      select p.id, m.id, date_trunc('month', now(), 'UTC'), p.organization_id, 9007199254740993, 2, 1, 9, 3.25, now()
      from projects p, meters m;
    insert into usage_daily (project_id, day, meter_id, organization_id, sum, count, min, max, last, last_at)
      select p.id, (now() at time zone 'UTC')::date, m.id, p.organization_id, 42, 2, 1, 9, 7, now()
      from projects p, meters m;
    insert into device_usage_daily (project_id, device_id, meter_id, day, organization_id, sum, count)
      select v.project_id, v.id, m, date_trunc('day', now(), 'UTC'), p.organization_id, 5, 5
      from devices v join projects p on p.id = v.project_id, unnest(array[1, 7]) m;
    insert into periods (organization_id, month, state, drafted_at, closing_at, final_at, closing_act, final_act, held_up_by, manifest)
      select id, '${CLOSED_MONTH}-01Z', 'final', now(), now(), now(), nextval('period_acts'), nextval('period_acts'), '{}', '{"version": 1}' from organizations;
    insert into periods (organization_id, month, state, drafted_at, held_up_by)
      select id, '2025-12-01Z', 'draft', now(), '{a dead letter}' from organizations;
    insert into usage_adjustments (organization_id, project_id, meter_id, hour, billed_month, sum, count, min, max, last)
      select organization_id, id, 7, '${CLOSED_MONTH}-05T10:00Z', date_trunc('month', now(), 'UTC'), 3, 1, 3, 3, 3
      from projects;
    insert into dead_letters (queue, job_id, job_name, payload, reason, attempts, items, failed_at, organizations)
      select 'periods', 'dead.' || n, 'due', '{"bell":"asked"}', 'reason ' || n, 3, 1, now(), o
      from (values (1, array['acme']), (2, array['globex']), (3, array['acme', 'globex']), (4, null)) l (n, o);
    insert into plans (slug, version, currency) values ('team', 1, 'EUR');
    insert into plan_limits (plan_id, resource, scope, included, price_per_unit) select id, 'api_calls', 'project', 1000, 0.5 from plans;
    insert into organization_plans (organization_id, since, plan) select id, now() - interval '1 day', 'team' from organizations;
    insert into buckets (name, bucket, region, declaration)
      values ('assets', 'acme-assets', 'eu-central-1', '{"ledger": "full", "notifications": {"kind": "sqs"}}');
    insert into stored_objects (bucket_id, key, project_id, organization_id, metered_object_type, object_id, size_bytes, live, sequencer, created_at, changed_at)
      select 1, k.key, p.id, p.organization_id, 'scene', k.scene, k.bytes, k.live, 'A', '2026-11-01', '2026-11-02'
      from projects p, (values ('acme/web/scenes/7/a', '7', 1, true), ('acme/web/scenes/7/b', '7', 10, false), ('acme/web/scenes/70/a', '70', 100, true)) k (key, scene, bytes, live)
      where p.slug = 'web';
    insert into stored_objects (bucket_id, key, metered_object_type, size_bytes, live, sequencer, created_at, changed_at)
      values (1, 'other/x', 'object', 1000, true, 'A', '2026-11-01', '2026-11-02'), (1, 'ü/%_', 'object', 10000, true, 'A', '2026-11-01', '2026-11-02');
    insert into storage_levels (bucket_id, project_id, metered_object_type, bytes, objects)
      select 1, id, t.type, t.bytes, t.objects from projects, (values ('scene', 9007199254740993, 2), ('log', 0, 0)) t (type, bytes, objects)
      where slug = 'web';
    insert into storage_levels (bucket_id, project_id, metered_object_type, bytes, objects) values (1, 0, 'object', 11000, 2);
    insert into deleted_owners (project_id, object_type, object_id, deleted_at, recorded_at, recorded_by)
      select id, 'scene', '70', '2026-11-03', '2026-11-03', 'event:my-app' from projects where slug = 'web';
    insert into measurements (kind, target, purpose, state, started_at, finished_at, figures, failure, detail)
      values ('bucket', 'assets', 'hourly', 'complete', '2026-11-22T10:00Z', '2026-11-22T10:01Z', '{"objects": "4"}', null, null),
        ('bucket', 'assets', 'hourly', 'failed', '2026-11-22T11:00Z', '2026-11-22T11:01Z', '{}', 'target_denied', 'no');
    insert into posthoc_metrics (name, declaration, first_window, settled_before)
      values ('alb', '${POSTHOC_METRIC}', '2026-11-20T10:00Z', '2026-11-20T10:00Z'), ('logins', '{"engine": "newer"}', '2026-11-20', '2026-11-20');
    insert into posthoc_runs (metric, window_start, window_end, revision, state, planned_at, retry_at, finished_at, as_of, answer_rows, unmatched_lines, scanned_bytes, log_files, total, events, difference, failure, detail)
      values ('alb', '2026-11-20T10:00Z', '2026-11-20T11:00Z', 1, 'done', '2026-11-20T12:00Z', null, '2026-11-20T12:01Z', '2026-11-20T12:00Z', 3, 0, 1000, 11, 9007199254740995.5, 3, 9007199254740995.5, null, null),
        ('alb', '2026-11-20T10:00Z', '2026-11-20T11:00Z', 2, 'done', '2026-11-20T17:00Z', null, '2026-11-20T17:01Z', '2026-11-20T17:00Z', 3, 1, 1024, 12, 9007199254740993.5, 1, -2, null, null),
        ('alb', '2026-11-20T11:00Z', '2026-11-20T12:00Z', 1, 'failed', '2026-11-20T12:00Z', '2026-11-20T13:00Z', null, null, null, null, null, null, null, null, null, 'target_invalid', 'no such column'),
        ('logins', '2026-11-20T00:00Z', '2026-11-21T00:00Z', 1, 'held', '2026-11-21T01:00Z', null, '2026-11-21T01:00Z', '2026-11-21T01:00Z', 0, 0, 0, null, 0, 0, 0, null, 'it fell from 5 to 0');
    insert into gaps (source, epoch, reason, started_at, ended_at, detail)
      values ('mqtt/one', 7, 'session_lost', now(), now(), '{"clientId": "one"}');
    insert into audit_log (actor, action, subject, detail)
      values ('cli:root', 'project.create', 'acme/web', '{}'), ('cli:root', 'project.create', 'globex/secret', '{}'),
        ('cli:root', 'webhook.create', 'acme', '{}');
  `);
}

/** The id of a project. */
export async function projectId(pool: Pool, slug: string): Promise<string> {
  const { rows } = await pool.query<{ id: string }>('select id from projects where slug = $1', [
    slug,
  ]);
  return rows[0]?.id ?? '';
}
