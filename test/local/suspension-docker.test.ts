import { suspension } from './suspension.ts';

suspension('docker');
