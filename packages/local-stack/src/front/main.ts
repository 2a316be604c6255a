import { createFront, type Route } from './front-server.ts';

/** Usage: main.js PORT ROUTES, the routes as a JSON array of `{path, port}`. */
const [port, routes] = process.argv.slice(2);
const server = createFront(JSON.parse(routes ?? '[]') as Route[]);

server.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
server.listen(Number(port), '127.0.0.1');

process.once('SIGTERM', () => {
  server.close();
  server.closeIdleConnections();
  // Requests under way get this long; then the stack's services are going as well.
  setTimeout(() => server.closeAllConnections(), 5_000).unref();
});
