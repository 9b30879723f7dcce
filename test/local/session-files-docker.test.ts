import { sessionFiles } from './session-files.ts';

sessionFiles('docker');
