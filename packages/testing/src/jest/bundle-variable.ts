/** How the workers of a jest run learn where its programs are: they inherit the environment. */
export const BUNDLE_VARIABLE = 'ODOMETER_TEST_PROGRAMS';
