import { hostname } from 'node:os';
import { choice, durationMs, integer, text, variable } from './config.ts';
import { LOG_LEVELS } from './logging.ts';

/** What every process takes from its environment. */
export const serviceVariables = {
  adminHost: variable(
    'ODOMETER_ADMIN_HOST',
    text({ default: '0.0.0.0' }),
    'Address of the admin port. All interfaces by default, because the kubelet and Prometheus come from outside the pod; it must never be public.',
  ),
  adminPort: variable(
    'ODOMETER_ADMIN_PORT',
    integer({ min: 0, max: 65_535, default: 9464 }),
    "Port of /metrics, /livez and /readyz. The default is the one Prometheus' OpenTelemetry exporters use. Processes that share a machine need one each; 0 takes any free one.",
  ),
  logLevel: variable(
    'ODOMETER_LOG_LEVEL',
    choice(LOG_LEVELS, { default: 'info' }),
    'Least severe log lines that are written. `info` is a few lines per process and minute: nothing is logged per message.',
  ),
  shutdownDeadlineMs: variable(
    'ODOMETER_SHUTDOWN_DEADLINE_MS',
    durationMs({ min: 1, default: 25_000 }),
    'Longest time from SIGTERM to exit, propagation delay included. Must stay below terminationGracePeriodSeconds, whose default of 30 s leaves 5 s for a late signal and the exit itself; afterwards comes SIGKILL.',
  ),
  shutdownDelayMs: variable(
    'ODOMETER_SHUTDOWN_DELAY_MS',
    durationMs({ default: 0 }),
    'Time between turning unready and refusing work, in which load balancers learn of it. 0 is right wherever nothing routes to the process: on a laptop, and for workers and counters, which would only take more work meanwhile. HTTP services on Kubernetes need about 5000.',
  ),
  instance: variable(
    'ODOMETER_INSTANCE',
    text({ default: hostname() }),
    "Name of this instance among its replicas; unique, and the same after a restart where its identity matters. The host's name, by default, is the pod's name on Kubernetes.",
  ),
} as const;
