/** How the workers of a jest run learn where its Postgres is: they inherit the environment. */
export const SHARED_POSTGRES_VARIABLE = 'ODOMETER_TEST_POSTGRES_URL';
