"""keras.ops one after another, on arrays and on what an input promises."""

import keras
import numpy as np
from keras import ops

ROWS = 3

x = ops.ones((ROWS, 4, 6))
a = ops.reshape(x, (ops.shape(x)[0], -1))
b = ops.transpose(x, (0, 2, 1))
c = ops.concatenate([x, x], axis=-1)
d = ops.stack([x, x], axis=1)
e = ops.split(x, 2, axis=-1)
f = ops.mean(x, axis=1, keepdims=True)
g = ops.matmul(x, ops.transpose(x, (0, 2, 1)))
h = ops.einsum("bij,bkj->bik", x, x)
i = ops.expand_dims(x, 1)
j = ops.squeeze(i, 1)
k = ops.repeat(x, 2, axis=0)
m = ops.tile(x, (1, 2, 1))
n = ops.take(x, ops.array([0, 2]), axis=1)
o = ops.argmax(x, axis=-1)
p = ops.one_hot(o, 6)
q = ops.softmax(x, axis=-1)
r = ops.pad(x, [[0, 0], [1, 1], [0, 0]])
s = ops.where(x > 0, x, 0.0)
t = ops.arange(ROWS)
u = ops.broadcast_to(x[:1], (ROWS, 4, 6))
v = ops.cast(x, "int32")
w = ops.sum(x)
y = ops.swapaxes(x, 1, 2)
z = ops.moveaxis(x, 0, -1)
a2 = ops.convert_to_numpy(x).reshape(ROWS, -1)
b2 = ops.conv(ops.zeros((ROWS, 8, 8, 3)), ops.zeros((3, 3, 3, 5)), padding="same")
c2 = ops.max_pool(b2, 2)
d2 = ops.top_k(x, 2)
e2 = ops.norm(x, axis=-1)
f2 = ops.flip(x, axis=1)
g2 = np.asarray(x).mean(axis=(1, 2))

inputs = keras.Input((4, 6))
h2 = ops.mean(inputs, axis=1)
i2 = ops.reshape(inputs, (-1, 24))
j2 = ops.concatenate([inputs, inputs], axis=1)
k2 = inputs * 2 + 1
m2 = keras.layers.Dense(3)(k2)[:, 0]
n2 = ops.expand_dims(m2, 1) * inputs[:, :, :3]
model = keras.Model(inputs, [h2, i2, j2, n2])
one, two, three, four = model(x)
o2 = one + 0
p2 = four + 0
