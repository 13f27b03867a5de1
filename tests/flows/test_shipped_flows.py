"""The flows of shipped RHVAEs with three fixed-point iterations: how far volume and round trip are off."""

import numpy as np
import pytest
import tensorflow as tf

import zoo

# Of 30 trajectories from the posterior of decoded centroids, in the worst: nats of the log-determinant, and the
# distance of a round trip, in latent units.
LARGEST = {
    "rhvae_circles_rings": (1e-3, 1e-3),
    "rhvae_mnist_interpolation": (0.05, 0.01),
}


@pytest.mark.parametrize("name", LARGEST)
def test_three_iterations_nearly_keep_volume_and_lead_back(name):
    model = zoo.load(f"chadebec2020/{name}").model
    x = model.decode(model.centroids[:30]).mean()
    manifold = model.manifold()
    z = model.encode(x).sample(seed=1)
    rho = manifold.cometric(z).momentum(tf.random.stateless_normal(z.shape, [1, 2])) / model.sqrt_beta_zero

    @tf.function(autograph=False)
    def errors(state):
        flow = model.flow(x, manifold, 3)
        with tf.GradientTape() as tape:
            tape.watch(state)
            ends = flow.forward(tf.split(state, 2, axis=-1))
            end = tf.concat(ends, axis=-1)
        exact = tf.linalg.slogdet(tape.batch_jacobian(end, state, experimental_use_pfor=False))[1]
        claimed = flow.forward_log_det_jacobian(tf.split(state, 2, axis=-1), [1, 1])
        return exact - claimed, tf.norm(flow.inverse(ends)[0] - z, axis=-1)

    volume, way_back = (np.abs(error) for error in errors(tf.concat([z, rho], axis=-1)))
    print(f"{name}: log-determinant {np.median(volume):.1e} in the median, {volume.max():.1e} at most")
    assert volume.max() < LARGEST[name][0] and way_back.max() < LARGEST[name][1]
