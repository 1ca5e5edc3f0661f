"""Operations of tf one after another: reshapes, reductions, windows, selections, random draws."""

import tensorflow as tf

ROWS = 3

x = tf.random.uniform([ROWS, 4, 6])
shape = tf.shape(x)
rows = shape[0]
static = x.shape.as_list()
a = tf.reshape(x, [rows, 24])
b = tf.reshape(x, tf.concat([shape[:1], [24]], axis=0))
c = tf.reshape(x, [-1, 6])
d = tf.reshape(x, (x.shape[0], -1, 2))
e = tf.transpose(x)
f = tf.transpose(x, [2, 0, 1])
g = tf.concat([x, x], axis=0)
h = tf.stack([x, x])
i, j = tf.split(x, 2, axis=1)
k = tf.unstack(x, axis=1)
m = tf.tile(x, [1, 2, 1])
n = tf.repeat(x, 2, axis=0)
o = tf.pad(x, [[0, 0], [1, 1], [2, 2]])
p = tf.gather(x, [0, 2], axis=1)
q = tf.reduce_sum(x, axis=[1, 2])
r = tf.reduce_max(x, axis=-1, keepdims=True)
s = tf.reduce_mean(x)
t = tf.einsum("bij,bkj->bik", x, x)
u = tf.matmul(x, x, transpose_b=True)
v = tf.tensordot(x, tf.zeros([6, 5]), axes=1)
w = tf.math.top_k(x, 2).values
y = tf.argsort(x, axis=1)
z = tf.cumsum(x, axis=1)
a2 = tf.where(x > 0, x, tf.zeros_like(x))
b2 = tf.random.normal(tf.shape(x))
c2 = tf.random.normal([tf.shape(x)[0], 2])
d2 = tf.broadcast_to(x[:, :1], [ROWS, 4, 6])
e2 = tf.meshgrid(tf.range(3), tf.range(5))
f2 = tf.range(ROWS)[:, None] * tf.range(4)
g2 = tf.linspace(0.0, 1.0, 7)
h2 = tf.eye(4, batch_shape=[ROWS])
i2 = tf.image.resize(tf.zeros([ROWS, 8, 8, 3]), [16, 20])
j2 = tf.nn.conv2d(i2, tf.zeros([3, 3, 3, 4]), strides=2, padding="VALID")
k2 = tf.nn.avg_pool2d(j2, 2, 2, "SAME")
m2 = tf.image.extract_patches(i2, [1, 4, 4, 1], [1, 4, 4, 1], [1, 1, 1, 1], "VALID")
n2 = tf.nn.depth_to_space(tf.zeros([ROWS, 4, 4, 8]), 2)
o2 = tf.squeeze(x[:, :1])
p2 = x[..., 0]
q2 = x[:, tf.newaxis, -1]
r2 = x[1:, ::2]
s2 = tf.slice(x, [0, 1, 2], [-1, 2, 3])
t2 = tf.strided_slice(x, [0, 0, 0], [2, 4, 6], [1, 2, 3])
u2 = tf.map_fn(lambda row: row * 2, x)
v2 = tf.reverse(x, axis=[1])
w2 = tf.roll(x, 1, axis=0)
x2 = tf.math.segment_sum(tf.zeros([4, 5]), tf.constant([0, 0, 1, 2]))
y2 = tf.expand_dims(tf.expand_dims(q, -1), 0)
z2 = tf.ones(static[:2])
flat = tf.keras.layers.Flatten()(x)
