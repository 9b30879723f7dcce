import { describeDependencies } from './dependencies.ts';

describeDependencies('docker');
