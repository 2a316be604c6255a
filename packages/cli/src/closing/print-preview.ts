import type { ChargeLine } from '@odometer/database/periods/preview';
import { print, readableFigure, readableTime, table } from '../output.ts';
import type { Preview, PreviewedMonth, PreviewedUse } from './preview-close.ts';

/** Shows what a close would make of a month. */
export function printPreview({ month, isRunning, organizations, projects }: Preview): void {
  print(
    isRunning
      ? `${month} has not ended: this is what it would come to if it ended now. Nothing was changed.\n`
      : `This is what a close of ${month} would make now. Nothing was changed.\n`,
  );
  print(
    table(
      ['organization', 'state', 'projects', 'overage', '', 'exceeded limits', 'due', 'held up by'],
      organizations.map((one) => [
        one.organization,
        one.state,
        String(one.projects),
        readableFigure(String(one.overageCharge)),
        one.currency === null ? '' : `minor units of ${one.currency}`,
        one.exceededLimits.join(', '),
        readableTime(one.dueAt),
        one.heldUpBy.join('; '),
      ]),
      [2, 3],
    ),
  );
  if (projects.length > 0) {
    print('');
    print(
      table(
        ['project', 'tier', 'overage', 'exceeded limits'],
        projects.map((project) => [
          path(project),
          project.tier ?? '',
          readableFigure(String(project.overageCharge)),
          project.exceededLimits.join(', '),
        ]),
        [2],
      ),
    );
  }
  const lines = [...organizations.flatMap(ownCharges), ...projects.flatMap(meterRows)];
  if (lines.length === 0) return;
  print('');
  print(
    table(
      ['of', 'meter', 'used', 'late', 'peak', 'average', 'included', 'overage', 'charge'],
      lines,
      [2, 3, 4, 5, 6, 7, 8],
    ),
  );
}

type Row = readonly string[];

/** A row for every limit of the organization itself that has a price; what is used of it includes what is late. */
function ownCharges({ organization, charges }: PreviewedMonth): readonly Row[] {
  return charges.map((line) => [
    organization,
    line.meter,
    readableFigure(line.used),
    ...['', '', ''],
    ...chargeOf(line),
  ]);
}

/** A row for every meter that was used, and for every limit with a price. */
function meterRows(project: PreviewedUse): readonly Row[] {
  const lines = new Map(project.charges.map((line) => [line.meter, line]));
  const used = new Map(project.meters.map((meter) => [meter.meter, meter]));
  return [...new Set([...used.keys(), ...lines.keys()])].sort().map((name) => {
    const [meter, line] = [used.get(name), lines.get(name)];
    return [
      path(project),
      name,
      readableFigure(meter?.used ?? line?.used ?? '0'),
      meter === undefined || !meter.isCounter || meter.late === '0'
        ? ''
        : readableFigure(meter.late),
      figure(meter?.peak),
      figure(meter?.average),
      ...chargeOf(line),
    ];
  });
}

function chargeOf(line: ChargeLine | undefined): Row {
  return [figure(line?.included), figure(line?.overage), figure(line?.charge)];
}

function path({ organization, project }: PreviewedUse): string {
  return `${organization}/${project}`;
}

function figure(text: string | null | undefined): string {
  return text == null ? '' : readableFigure(text);
}
