const PROJECTS = 100;

/** Object `index` of `objects`, whose keys are in the order of their indexes. */
export function keyOf(index: number, objects: number): string {
  const project = Math.floor((index * PROJECTS) / objects);
  return `acme/project-${String(project).padStart(2, '0')}/objects/${String(index).padStart(9, '0')}.bin`;
}

export function sizeOf(index: number): number {
  return 1 + ((index * 7_919) % 5_000_000);
}
