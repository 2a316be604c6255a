import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { seededRandom } from '@odometer/testing/seeded-random';

/** The fields of an access log of an Application Load Balancer, in their order. */
export const ALB_COLUMNS = [
  'type',
  'time',
  'elb',
  'client',
  'target',
  'request_processing_time',
  'target_processing_time',
  'response_processing_time',
  'elb_status_code',
  'target_status_code',
  'received_bytes',
  'sent_bytes',
  'request',
  'user_agent',
  'ssl_cipher',
  'ssl_protocol',
  'target_group_arn',
  'trace_id',
  'domain_name',
  'chosen_cert_arn',
  'matched_rule_priority',
  'request_creation_time',
  'actions_executed',
  'redirect_url',
  'error_reason',
  'target_list',
  'target_status_code_list',
  'classification',
  'classification_reason',
  'conn_trace_id',
];

/** Of a load balancer that has some: five minutes of a busy one are about as large. */
const LINES_PER_FILE = 250_000;
const PROJECTS = 100;
const MINUTES = 60;
const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'okhttp/4.12.0',
  'python-requests/2.32.3',
  'curl/8.14.1',
  'Robot \\"R2\\" 1.0',
];

/** Writes so many lines of an hour, the same ones each time, into compressed files. @returns the bytes of the files */
export function writeAlbLogs(directory: string, lines: number, startMs: number): number {
  let bytes = 0;
  for (let from = 0, file = 0; from < lines; from += LINES_PER_FILE, file += 1) {
    const count = Math.min(LINES_PER_FILE, lines - from);
    const compressed = gzipSync(linesOf(file, count, startMs), { level: 1 });
    writeFileSync(join(directory, `${String(file).padStart(4, '0')}.log.gz`), compressed);
    bytes += compressed.length;
  }
  return bytes;
}

function linesOf(file: number, count: number, startMs: number): string {
  const random = seededRandom(file + 1);
  const lines: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const atMs = startMs + random.integer(0, MINUTES * 60_000 - 1);
    const time = `${new Date(atMs).toISOString().slice(0, -1)}${String(random.integer(0, 999)).padStart(3, '0')}Z`;
    const project = `project-${random.integer(1, PROJECTS)}`;
    const id = random.integer(0x1000_0000, 0xffff_ffff).toString(16);
    const agent = AGENTS[random.integer(0, AGENTS.length - 1)];
    const status = random.integer(0, 99) < 97 ? 200 : 404;
    lines.push(
      `h2 ${time} app/my-alb/50dc6c495c0c9188 198.51.100.${random.integer(1, 254)}:${random.integer(1_024, 65_535)} 10.0.0.${random.integer(1, 9)}:80 0.000 0.${random.integer(100, 999)} 0.000 ${status} ${status} ${random.integer(100, 2_000)} ${random.integer(100, 90_000)} "GET https://api.example.com:443/${project}/v1/items/${id}?page=${random.integer(1, 9)} HTTP/2.0" "${agent}" TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337262-${id}d23a8c76965a" "api.example.com" "session-reused" 0 ${time} "forward" "-" "-" "10.0.0.1:80" "${status}" "-" "-" TID_${id}`,
    );
  }
  return `${lines.join('\n')}\n`;
}
