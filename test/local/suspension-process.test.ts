import { suspension } from './suspension.ts';

suspension('process');
