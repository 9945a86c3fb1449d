import * as xlink from '@private.me/xlink';
import * as metrics from '@private.me/xlink/metrics';
import express from 'express';
import story from './story.cjs';

await story({ xlink, metrics, express });
