"""scikit-learn's own checks of estimators, all of them."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from tfgeo.estimators import GeodesicDistances, GeodesicKMedoids


@parametrize_with_checks([GeodesicKMedoids(), GeodesicKMedoids(3, method="pam"), GeodesicDistances()])
def test_check_estimator(estimator, check):
    check(estimator)
