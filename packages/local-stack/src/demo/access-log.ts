import { fleet } from './fleet.ts';

/** A load balancer of AWS writes a file for each five minutes, when they have ended. */
export const SLOT_MS = 300_000;
const REQUESTS = 120;

const PROJECTS = [
  ...new Set(fleet().map(({ organization, project }) => `${organization}/${project}`)),
];
const ROUTES = ['telemetry', 'devices', 'scenes', 'scenes/7/mesh.bin', 'logs?limit=100'];
const BALANCER = 'app/demo/50dc6c495c0c9188';

/** A file of access logs, as the load balancer of a demo fleet would have written it. */
export interface AccessLog {
  /** `AWSLogs/…/2026/10/01/….log.gz` */
  readonly path: string;
  readonly lines: readonly string[];
}

/** The requests of five minutes: always the same ones, so that whoever counts them may count them again. */
export function accessLog(slotMs: number): AccessLog {
  const next = chance(slotMs / SLOT_MS);
  const upTo = (limit: number) => Math.floor(next() * limit);
  const lines = Array.from({ length: REQUESTS }, (_, index) => {
    const at = slotMs + Math.floor((index * SLOT_MS) / REQUESTS);
    const project = PROJECTS[upTo(PROJECTS.length)] ?? '';
    const received = 200 + upTo(2_000);
    const sent = 300 + upTo(50_000);
    const request = `GET https://demo.example.com:443/${project}/${ROUTES[upTo(ROUTES.length)]} HTTP/2.0`;
    return [
      'h2',
      new Date(at).toISOString().replace('Z', '000Z'),
      BALANCER,
      `192.0.2.${upTo(250)}:${1_024 + upTo(60_000)}`,
      `10.0.0.${1 + upTo(3)}:8081 0.000 0.00${upTo(9)} 0.000 200 200 ${received} ${sent}`,
      `"${request}" "demo \\"fleet\\"/1.0" TLS_AES_128_GCM_SHA256 TLSv1.3`,
    ].join(' ');
  });
  const end = new Date(slotMs + SLOT_MS).toISOString();
  const stamp = `${end.slice(0, 16).replaceAll(/[-:]/g, '')}Z`;
  const file = `123456789012_elasticloadbalancing_eu-central-1_${BALANCER.replaceAll('/', '.')}_${stamp}_198.51.100.7_demo.log.gz`;
  const day = end.slice(0, 10).replaceAll('-', '/');
  return {
    path: `AWSLogs/123456789012/elasticloadbalancing/eu-central-1/${day}/${file}`,
    lines,
  };
}

/** Numbers from 0 to 1, the same for each seed (mulberry32). */
function chance(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
