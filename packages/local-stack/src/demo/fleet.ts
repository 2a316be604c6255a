/** One device of the demo fleet, by the slugs that its topic is made of. */
export interface Device {
  readonly organization: string;
  readonly project: string;
  readonly device: string;
}

/** Three organizations, seven projects, 45 devices: enough for every table to show something different. */
const DEVICES_PER_PROJECT: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  northwind: { harbor: 6, warehouse: 8, yard: 4 },
  solaris: { rooftops: 7, fields: 6 },
  metroline: { trams: 9, stations: 5 },
};

/** All devices of the demo fleet, the same in every run. */
export function fleet(): readonly Device[] {
  return Object.entries(DEVICES_PER_PROJECT).flatMap(([organization, projects]) =>
    Object.entries(projects).flatMap(([project, count]) =>
      Array.from({ length: count }, (_, index) => ({
        organization,
        project,
        device: `${project}-${String(index + 1).padStart(2, '0')}`,
      })),
    ),
  );
}

/** Any one of these; they are never none. */
export function anyOf<T>(items: readonly T[]): T {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new RangeError('nothing to choose from');
  return item;
}
