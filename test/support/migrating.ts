/** A process that migrates the database it is told, as every process of a region does at its start. */
import { migrate } from '#libs/storage';
import { Logger } from '#libs/telemetry';

await migrate(process.argv[2] ?? '', new Logger({}, 'log', (line) => void process.stdout.write(line)));
