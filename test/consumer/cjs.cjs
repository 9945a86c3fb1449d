const xlink = require('@private.me/xlink');
const metrics = require('@private.me/xlink/metrics');
const express = require('express');
const story = require('./story.cjs');

story({ xlink, metrics, express });
