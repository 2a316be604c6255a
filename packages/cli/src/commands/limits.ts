import { randomUUID } from 'node:crypto';
import { checkLimit, type LimitAnswer } from '@odometer/database/limits/check-limit';
import { answerFigures, limitsFigures } from '@odometer/database/limits/limit-figures';
import {
  type LimitSubject,
  type LimitUse,
  readLimits,
} from '@odometer/database/limits/read-limits';
import { releaseReservation, reserve } from '@odometer/database/limits/reservations';
import { formatQuantity, type Scaled } from '@odometer/domain/decimal';
import { OdometerError } from '@odometer/domain/errors';
import { remaining } from '@odometer/domain/limits/decide';
import { DEFAULT_RESERVATION_SECONDS } from '@odometer/domain/limits/reservation';
import type { Command } from 'commander';
import {
  limitQuantity,
  limitSubject,
  reservationSeconds,
  reservedQuantity,
  uuid,
} from '../arguments.ts';
import { UnsatisfiedError } from '../failure.ts';
import {
  addCommand,
  type OutputOptions,
  print,
  printJson,
  readableFigure,
  readableTime,
  table,
} from '../output.ts';
import { withPostgres } from '../postgres.ts';

const SUBJECT = 'ORGANIZATION, or ORGANIZATION/PROJECT';
const RESOURCE = 'a meter, or projects, users, devices';

export function addLimits(program: Command): void {
  const limits = program
    .command('limits')
    .description('what may be used, and what is; `odometer limits ORGANIZATION[/PROJECT]`');
  // The default, so that its name can be left out unless an organization is called like one of the others.
  addCommand(limits, 'show', 'show every limit with what is used of it', { isDefault: true })
    .argument('<subject>', SUBJECT, limitSubject)
    .action(show);
  addCommand(limits, 'check', 'may so much more be used? exits with 1 when not')
    .argument('<subject>', SUBJECT, limitSubject)
    .argument('<meter>', RESOURCE)
    .argument('[quantity]', 'how much more', limitQuantity, limitQuantity('1'))
    .action(check);
  addCommand(limits, 'reserve', 'reserve room under hard limits; exits with 1 when refused')
    .argument('<subject>', SUBJECT, limitSubject)
    .argument('<meter>', RESOURCE)
    .argument('<quantity>', 'how much', reservedQuantity)
    .option('--id <uuid>', 'asking again with the same id answers the same', uuid)
    .option(
      '--expires-in <seconds>',
      'after which unused room is free again',
      reservationSeconds,
      DEFAULT_RESERVATION_SECONDS,
    )
    .action(reserveRoom);
  addCommand(limits, 'release', 'give back a reservation that is not going to be used')
    .argument('<id>', 'its id', uuid)
    .action(release);
}

async function show(subject: LimitSubject, { json }: OutputOptions): Promise<void> {
  const found = await withPostgres((pool) => readLimits(pool, subject, Date.now()));
  if (json) return printJson(limitsFigures(found));
  if (found.plan === null) return print('It has no plan: nothing is limited.');
  const { slug, version } = found.plan;
  if (found.limits.length === 0)
    return print(`Plan ${slug}, version ${version}: nothing is limited.`);
  print(`Plan ${slug}, version ${version}\n`);
  print(
    table(
      ['meter', 'per', 'included', 'used', 'reserved', 'left', '', 'starts anew'],
      found.limits.map((limit) => [
        limit.resource,
        limit.scope,
        limited(limit.included),
        readable(limit.used),
        readable(limit.reserved),
        limited(remaining(limit)),
        limit.hard ? 'hard' : '',
        resets(limit),
      ]),
      [2, 3, 4, 5],
    ),
  );
}

async function check(
  subject: LimitSubject,
  resource: string,
  quantity: Scaled,
  { json }: OutputOptions,
): Promise<void> {
  const answer = await withPostgres((pool) =>
    checkLimit(pool, { ...subject, resource, quantity }, Date.now()),
  );
  if (json) printJson(answerFigures(answer));
  else print(answerText(answer, quantity));
  if (!answer.allowed) throw new UnsatisfiedError();
}

async function reserveRoom(
  subject: LimitSubject,
  resource: string,
  quantity: Scaled,
  options: OutputOptions & { readonly id?: string; readonly expiresIn: number },
): Promise<void> {
  const { json, id = randomUUID(), expiresIn } = options;
  const answer = await withPostgres((pool) =>
    reserve(pool, { ...subject, resource, quantity, id, expiresInSeconds: expiresIn }, Date.now()),
  );
  const { reservation } = answer;
  const expiresAt = reservation === undefined ? null : new Date(reservation.expiresAtMs);
  const state = reservation?.state ?? null;
  if (json) printJson({ id: reservation?.id ?? null, expiresAt, state, ...answerFigures(answer) });
  else if (reservation === undefined) print(answerText(answer, quantity));
  else print(`Reservation ${reservation.id} is ${state}, until ${readableTime(expiresAt)}.`);
  if (reservation === undefined) throw new UnsatisfiedError();
}

async function release(id: string, { json }: OutputOptions): Promise<void> {
  const isFound = await withPostgres((pool) => releaseReservation(pool, id, null, Date.now()));
  if (!isFound) throw new OdometerError('reservation_not_found', { id });
  if (json) printJson({ id, released: true });
  else print(`Reservation ${id} is released.`);
}

function answerText({ allowed, limit }: LimitAnswer, quantity: Scaled): string {
  const { resource, scope, included, used, reserved, hard } = limit;
  if (included === null) return `Yes: ${resource} is unlimited; ${readable(used)} used.`;
  const kind = hard ? 'hard' : 'soft';
  return `${allowed ? 'Yes' : 'No'}: ${readable(quantity)} more of ${resource}; of the ${scope}’s ${kind} limit of ${readable(included)}, ${readable(used)} is used and ${readable(reserved)} reserved.`;
}

const readable = (value: Scaled) => readableFigure(formatQuantity(value));
const limited = (value: Scaled | null) => (value === null ? 'unlimited' : readable(value));
const resets = ({ resetsAtMs }: LimitUse) =>
  resetsAtMs === null ? '' : readableTime(new Date(resetsAtMs));
